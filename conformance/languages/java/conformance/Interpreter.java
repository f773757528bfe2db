package conformance;

import io.bowstring.Bowstring;
import io.bowstring.ObjectRef;
import io.bowstring.ObjectStream;
import io.bowstring.WaitResult;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs the steps of one case; names stand for references, handles and paths. */
final class Interpreter {
    private static final double GET_TIMEOUT_S = 30;
    private static final long UNTIL_MAX_NS = 20_000_000_000L;

    private final Workers workers;
    private final Path folder;
    private final Map<String, Object> names = new HashMap<>();

    private Interpreter(Workers workers, Path folder) {
        this.workers = workers;
        this.folder = folder;
    }

    /** An interpreter whose calls go to the library of the given language. */
    static Interpreter of(String worker, Path folder) {
        return new Interpreter(worker.equals("python") ? new PythonWorkers() : new JavaWorkers(), folder);
    }

    /** A step came to something else than the case says. */
    static final class Mismatch extends RuntimeException {
        @Serial private static final long serialVersionUID = 1L;

        Mismatch(String message) {
            super(message);
        }
    }

    @SuppressWarnings("unchecked")
    void run(List<Object> steps) throws IOException {
        for (int number = 0; number < steps.size(); number++) {
            Map<String, Object> step = (Map<String, Object>) steps.get(number);
            try {
                step(step);
            } catch (Mismatch mismatch) {
                String text = Json.write(step);
                throw new Mismatch("step " + (number + 1) + " " + text.substring(0, Math.min(200, text.length())) + ": "
                        + mismatch.getMessage());
            }
        }
    }

    private void step(Map<String, Object> step) throws IOException {
        try {
            carryOut(step);
        } catch (Mismatch mismatch) {
            throw mismatch;
        } catch (RuntimeException error) {
            check(step, error);
            return;
        }
        if (step.containsKey("error")) {
            throw new Mismatch("went well, expected the error " + step.get("error"));
        }
    }

    private static void check(Map<String, Object> step, RuntimeException error) {
        String message = String.valueOf(error.getMessage());
        String start = message.substring(0, Math.min(600, message.length()));
        if (!Driver.code(error).equals(step.get("error"))) {
            throw new Mismatch(Driver.code(error) + ": " + start + ", expected "
                    + step.getOrDefault("error", "no error"));
        }
        for (String key : List.of("says", "type")) {
            if (step.get(key) instanceof String part && !message.contains(part)) {
                throw new Mismatch("the message lacks '" + part + "': " + start);
            }
        }
    }

    @SuppressWarnings("unchecked")
    private void carryOut(Map<String, Object> step) throws IOException {
        String kind = step.keySet().iterator().next();
        switch (kind) {
            case "put" -> names.put((String) step.get("as"), Bowstring.put(Notation.make(step.get("put"), names)));
            case "call" -> name(step, workers(step).call((String) step.get("call"), arguments(step), options(step)));
            case "actor" -> name(step, workers(step).create((String) step.get("actor"), arguments(step), options(step)));
            case "method" -> {
                Object actor = names.get((String) step.get("of"));
                name(step, Workers.ofHandle(actor).method(actor, (String) step.get("method"), arguments(step)));
            }
            case "get" -> get(step);
            case "wait" -> await(step);
            case "get_actor" -> names.put((String) step.get("as"), Bowstring.getActor((String) step.get("get_actor")));
            case "kill" -> {
                Object actor = names.get((String) step.get("kill"));
                Workers.ofHandle(actor).kill(actor, (Boolean) step.getOrDefault("no_restart", true));
            }
            case "cancel" -> Bowstring.cancel(reference((String) step.get("cancel")));
            case "stream" -> names.put(
                    (String) step.get("as"),
                    workers(step).stream((String) step.get("stream"), arguments(step), (Long) step.get("ahead")));
            case "next" -> names.put((String) step.get("as"), stream((String) step.get("next")).next());
            case "items" -> {
                List<Object> values = new ArrayList<>();
                stream((String) step.get("items")).values().forEach(values::add);
                compare(values, step.get("expect"));
            }
            case "close" -> stream((String) step.get("close")).close();
            case "drop" -> names.remove((String) step.get("drop"));
            case "path" -> names.put((String) step.get("path"), folder.resolve((String) step.get("path")).toString());
            case "touch" -> Files.createFile(Path.of((String) names.get((String) step.get("touch"))));
            case "until" -> until((List<Object>) step.get("until"));
            default -> throw new Mismatch("unknown step " + kind);
        }
    }

    /** Whose library a step calls: the worker's language's, unless it says "in": "driver". */
    private Workers workers(Map<String, Object> step) {
        return "driver".equals(step.get("in")) ? new JavaWorkers() : workers;
    }

    private void name(Map<String, Object> step, Object result) {
        if (step.get("as") instanceof String name) {
            names.put(name, result);
        } else if (step.get("as") instanceof List<?> several) {
            for (int index = 0; index < several.size(); index++) {
                names.put((String) several.get(index), ((List<?>) result).get(index));
            }
        }
    }

    private List<Object> arguments(Map<String, Object> step) {
        List<Object> made = new ArrayList<>();
        for (Object written : (List<?>) step.getOrDefault("args", List.of())) {
            made.add(Notation.make(written, names));
        }
        return made;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> options(Map<String, Object> step) {
        return (Map<String, Object>) step.getOrDefault("options", Map.of());
    }

    private void get(Map<String, Object> step) {
        Object value = step.get("get") instanceof List<?> list
                ? Bowstring.get(references(list), timeout(step))
                : reference((String) step.get("get")).get(timeout(step));
        if (step.containsKey("expect")) {
            compare(value, step.get("expect"));
        }
        if (step.get("first_as") instanceof String name) {
            names.put(name, ((List<?>) value).get(0));
        }
    }

    private void await(Map<String, Object> step) {
        List<?> wanted = (List<?>) step.get("wait");
        int count = ((Long) step.get("num_returns")).intValue();
        WaitResult<Object> result = Bowstring.wait(references(wanted), count, timeout(step));
        List<Object> found = new ArrayList<>();
        for (List<ObjectRef<Object>> some : List.of(result.ready(), result.unready())) {
            found.add(wanted.stream().filter(name -> some.contains(names.get(name))).toList());
        }
        compare(found, step.get("expect"));
    }

    /** Repeats the inner steps until they go well. */
    private void until(List<Object> steps) throws IOException {
        long deadline = System.nanoTime() + UNTIL_MAX_NS;
        while (true) {
            try {
                run(steps);
                return;
            } catch (Mismatch mismatch) {
                if (System.nanoTime() > deadline) {
                    throw mismatch;
                }
            }
        }
    }

    private List<ObjectRef<Object>> references(List<?> wanted) {
        return wanted.stream().map(name -> reference((String) name)).toList();
    }

    @SuppressWarnings("unchecked")
    private ObjectRef<Object> reference(String name) {
        return (ObjectRef<Object>) names.get(name);
    }

    @SuppressWarnings("unchecked")
    private ObjectStream<Object> stream(String name) {
        return (ObjectStream<Object>) names.get(name);
    }

    private static Duration timeout(Map<String, Object> step) {
        double seconds = ((Number) step.getOrDefault("timeout", GET_TIMEOUT_S)).doubleValue();
        return Duration.ofNanos((long) (seconds * 1e9));
    }

    private static void compare(Object value, Object expected) {
        String found = Notation.difference(value, expected);
        if (!found.isEmpty()) {
            throw new Mismatch(found);
        }
    }
}
