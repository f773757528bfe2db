package conformance;

import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.errors.BowstringException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs a plan of cases as a Java driver; conformance/README.md describes the plan and what is printed. */
public final class Driver {
    private Driver() {}

    @SuppressWarnings("unchecked")
    public static void main(String[] arguments) throws IOException {
        Map<String, Object> plan = (Map<String, Object>) Json.read(Files.readString(Path.of(arguments[0])));
        InitOptions.Builder builder = InitOptions.builder().setLogToDriver(false);
        if (plan.get("address") instanceof String address) {
            builder.setAddress(address);
        } else {
            builder.setNumCpus((Long) plan.get("num_cpus"));
        }
        InitOptions options = builder.build();
        try (Bowstring.Runtime runtime = Bowstring.init(options)) {
            for (Object entry : (List<?>) plan.get("cases")) {
                Map<String, Object> one = (Map<String, Object>) entry;
                print("begin", one.get("id"), null);
                Path folder = Path.of((String) plan.get("folder"), (String) one.get("folder"));
                Files.createDirectories(folder);
                String failure = "";
                try {
                    Interpreter.of((String) plan.get("worker"), folder).run((List<Object>) one.get("steps"));
                } catch (Interpreter.Mismatch mismatch) {
                    failure = mismatch.getMessage();
                } catch (RuntimeException | IOException error) {
                    failure = error.toString();
                }
                print("end", one.get("id"), failure);
            }
        }
    }

    /** The name of an error's code, or of its class if it is none of ours. */
    static String code(Exception error) {
        return error instanceof BowstringException known
                ? known.code().name()
                : error.getClass().getSimpleName();
    }

    private static void print(String kind, Object id, String failure) {
        Map<String, Object> record = new LinkedHashMap<>();
        record.put(kind, id);
        if (failure != null) {
            record.put("failure", failure);
        }
        System.out.println(Json.write(record));
        System.out.flush();
    }
}
