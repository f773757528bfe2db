package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.PyActorClass;
import io.bowstring.PyActorMethod;
import io.bowstring.Functions.Func1;
import io.bowstring.PyActorClass;
import io.bowstring.PyFunction;
import io.bowstring.errors.InvalidArgumentException;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** Wrong arguments of every public call are refused with an error that names them. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
class ArgumentsTest {
    private static Bowstring.Runtime runtime;

    @BeforeAll
    static void start() {
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(1).build());
    }

    @AfterAll
    static void end() {
        runtime.close();
    }

    private static Map<String, Executable> wrongCalls() {
        ObjectRef<Integer> one = Bowstring.put(1);
        Duration negative = Duration.ofSeconds(-1);
        Map<String, Executable> calls = new LinkedHashMap<>();
        calls.put("ref: get", () -> Bowstring.get((ObjectRef<Integer>) null));
        calls.put("refs: get of a list", () -> Bowstring.get((List<ObjectRef<Integer>>) null));
        calls.put("refs[1]: get of a list", () -> Bowstring.get(Arrays.asList(one, null)));
        calls.put("timeout: get", () -> Bowstring.get(one, negative));
        calls.put("timeout: get of a list", () -> Bowstring.get(List.of(one), null));
        calls.put("refs: wait", () -> Bowstring.wait((List<ObjectRef<Integer>>) null, 1));
        calls.put("numReturns: wait for none", () -> Bowstring.wait(List.of(one), 0));
        calls.put("numReturns: wait for too many", () -> Bowstring.wait(List.of(one), 2));
        calls.put("timeout: wait", () -> Bowstring.wait(List.of(one), 1, negative));
        calls.put("twice: wait", () -> Bowstring.wait(List.of(one, one), 1));
        calls.put("ref: cancel", () -> Bowstring.cancel(null));
        calls.put("name: getActor", () -> Bowstring.getActor(""));
        calls.put("namespace: getActor", () -> Bowstring.getActor("a", null));
        calls.put("actor: kill", () -> Bowstring.kill((io.bowstring.ActorHandle<?>) null, true));
        calls.put("CPU: task", () -> Bowstring.task(Calculator::add, 1, 2).setNumCpus(-1));
        calls.put("GPU: task", () -> Bowstring.task(Calculator::add, 1, 2).setNumGpus(Double.NaN));
        calls.put("memory: task", () -> Bowstring.task(Calculator::add, 1, 2).setMemory(-5));
        calls.put("widget: task", () -> Bowstring.task(Calculator::add, 1, 2).setResource("widget", -1));
        calls.put("name: resource", () -> Bowstring.task(Calculator::add, 1, 2).setResource("", 1));
        calls.put("maxRetries: task", () -> Bowstring.task(Calculator::add, 1, 2).setMaxRetries(-2));
        calls.put("limit: task", () -> Bowstring.task(Calculator::add, 1, 2).setTimeout(negative));
        calls.put("name: task", () -> Bowstring.task(Calculator::add, 1, 2).setName(""));
        calls.put("maxRestarts: actor", () -> Bowstring.actor(Counter::new, 1).setMaxRestarts(-2));
        calls.put("maxConcurrency: actor", () -> Bowstring.actor(Counter::new, 1).setMaxConcurrency(0));
        calls.put("method reference: task", () -> Bowstring.task((Func1<Integer, Integer>) null, 1));
        calls.put("method reference: actor", () -> Bowstring.actor((Func1<Integer, Counter>) null, 1));
        calls.put("function: task in Python", () -> Bowstring.task((PyFunction<Double>) null, 1));
        calls.put("array of arguments: task in Python",
                () -> Bowstring.task(PyFunction.of("math", "sqrt", Double.class), (Object[]) null));
        calls.put("array of arguments: actor in Python",
                () -> Bowstring.actor(PyActorClass.of("m", "C"), (Object[]) null));
        calls.put("maxPendingCalls is 0: actor", () -> Bowstring.actor(Counter::new, 1).setMaxPendingCalls(0));
        calls.put("maxPendingCalls: actor", () -> Bowstring.actor(Counter::new, 1).setMaxPendingCalls(-3));
        calls.put("name: actor", () -> Bowstring.actor(Counter::new, 1).setName(null));
        calls.put("namespace: actor", () -> Bowstring.actor(Counter::new, 1).setNamespace(""));
        calls.put("module: PyFunction", () -> PyFunction.of("", "sqrt", Double.class));
        calls.put("name: PyFunction", () -> PyFunction.of("math", null, Double.class));
        calls.put("resultType: PyFunction", () -> PyFunction.of("math", "sqrt", null));
        calls.put("className: PyActorClass", () -> PyActorClass.of("collections", ""));
        calls.put("name: PyActorMethod", () -> PyActorMethod.of("", Object.class));
        calls.put("numCpus: init", () -> InitOptions.builder().setNumCpus(-1));
        calls.put("objectStoreMemory: init", () -> InitOptions.builder().setObjectStoreMemory(-1));
        calls.put("address: init", () -> InitOptions.builder().setAddress(""));
        calls.put("entries: init", () -> InitOptions.builder().setClassPath(null));
        calls.put("runtime already: init", Bowstring::init);
        return calls;
    }

    @TestFactory
    Stream<DynamicTest> aWrongArgumentIsNamed() {
        return wrongCalls().entrySet().stream().map(entry -> DynamicTest.dynamicTest(entry.getKey(), () -> {
            InvalidArgumentException error = assertThrows(InvalidArgumentException.class, entry.getValue());
            String named = entry.getKey().substring(0, entry.getKey().indexOf(':'));
            assertTrue(error.getMessage().contains(named), error.getMessage());
            assertEquals(3, Bowstring.task(Calculator::add, 1, 2).remote().get());
        }));
    }
}
