package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.PyActorClass;
import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;
import io.bowstring.PyFunction;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.SerializationException;
import io.bowstring.errors.TaskException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ResultsTest {
    private static Bowstring.Runtime runtime;

    @BeforeAll
    static void start() throws URISyntaxException {
        String peers = Path.of(ResultsTest.class.getResource("/python/java_test_peer.py").toURI()).getParent().toString();
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).setPythonPath(List.of(peers)).build());
    }

    @AfterAll
    static void stop() {
        if (runtime != null) {
            runtime.close();
        }
    }

    private static List<?> values(List<ObjectRef<?>> refs) {
        return refs.stream().map(ObjectRef::get).toList();
    }

    @Test
    void eachResultOfAJavaMethodHasItsReference() {
        List<Object> expected = List.of("a", 2L);
        assertEquals(expected, values(Bowstring.task(Parts::list, "a").results(String.class, Long.class)));
        assertEquals(expected, values(Bowstring.task(Parts::array, "a").results(Object.class, Object.class)));
        assertEquals(expected, values(Bowstring.task(Parts::named, "a").results(String.class, Long.class)));
        assertEquals(List.of(0.0, 0.5, 1.0), Bowstring.get(Bowstring.task(Parts::numbers, 3).results(3, Double.class)));
        assertEquals(List.of(0, 1, 2), Bowstring.get(Bowstring.task(Parts::without, 3).results(3, Integer.class)));
        ActorHandle<Parts> actor = Bowstring.actor(Parts::new).remote();
        assertEquals(List.of("four", 4), values(actor.task(Parts::pair, "four").results(String.class, Integer.class)));
    }

    @Test
    void resultsOfEachSizeCanBePassedOnBeforeTheyAreThere() {
        List<ObjectRef<?>> refs = Bowstring.task(Parts::large, 1 << 20).results(byte[].class, String.class);
        @SuppressWarnings("unchecked")
        ObjectRef<byte[]> bytes = (ObjectRef<byte[]>) refs.get(0);
        ObjectRef<List<?>> nested = Bowstring.put(List.of(refs.get(1)));
        assertEquals(1L << 20, Bowstring.task(Parts::length, bytes).remote().get());
        assertEquals("small", ((ObjectRef<?>) nested.get().get(0)).get());
        assertEquals("small", refs.get(1).get());
    }

    @Test
    void methodsSayHowManyResultsCallersInPythonGet() {
        ActorHandle<Parts> actor = Bowstring.actor(Parts::new).remote();
        PyFunction<Object> calls = PyFunction.of("java_test_peer", "pair_and_count", Object.class);
        assertEquals(List.of("four", 4L, List.of(0L, 1L, 2L)), Bowstring.task(calls, actor).remote().get());
    }

    @Test
    void anotherNumberOfResultsIsRefusedInEach() {
        for (ObjectRef<?> ref : Bowstring.task(Parts::list, "a").results(3, Object.class)) {
            InvalidArgumentException error = assertThrows(InvalidArgumentException.class, ref::get);
            assertTrue(error.getMessage().contains("num_returns=3 and must return"), error.getMessage());
            assertTrue(error.getMessage().contains("of 2"), error.getMessage());
        }
        ObjectRef<?> ref = Bowstring.task(Calculator::add, 1, 2).results(2, Object.class).get(1);
        assertTrue(assertThrows(InvalidArgumentException.class, ref::get).getMessage().contains("not java.lang.Integer"));
        ObjectRef<?> more = Bowstring.task(Parts::without, 9).results(2, Object.class).get(0);
        assertTrue(assertThrows(InvalidArgumentException.class, more::get).getMessage().contains("of more"));
    }

    @Test
    void anErrorIsEveryResult() {
        for (ObjectRef<?> ref : Bowstring.task(Parts::failing).results(2, Object.class)) {
            assertTrue(assertThrows(TaskException.class, ref::get).getMessage().contains("no parts"));
        }
        for (ObjectRef<?> ref : Bowstring.task(Parts::unportable).results(2, Object.class)) {
            assertThrows(SerializationException.class, ref::get);
        }
    }

    @Test
    void aTaskWithoutResultsRunsAndGivesNone() {
        assertEquals(List.of(), Bowstring.task(Parts::failing).results(0, Object.class));
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 0).remote();
        assertEquals(List.of(), counter.task(Counter::add, 5).results());
        assertEquals(6, counter.task(Counter::add, 1).remote().get());
    }

    @Test
    void eachResultOfAPythonFunctionHasItsReference() {
        PyFunction<Object> divided = PyFunction.of("builtins", "divmod", Object.class);
        assertEquals(List.of(3L, 1L), values(Bowstring.task(divided, 7L, 2L).results(Long.class, Long.class)));
        PyFunction<Object> counted = PyFunction.of("java_test_peer", "count_up", Object.class);
        assertEquals(List.of(0L, 1L, 2L), Bowstring.get(Bowstring.task(counted, 3L).results(3, Long.class)));
        for (ObjectRef<?> ref : Bowstring.task(divided, 7L, 0L).results(Long.class, Long.class)) {
            assertTrue(assertThrows(TaskException.class, ref::get).getMessage().contains("ZeroDivisionError"));
        }
        PyActorHandle items = Bowstring.actor(PyActorClass.of("java_test_peer", "Counter"), 3L).remote();
        PyActorMethod<Object> both = PyActorMethod.of("both", Object.class);
        assertEquals(List.of(5L, "5"), values(items.task(both, 2L).results(Long.class, String.class)));
    }

    @Test
    void wrongNumbersAndTypesOfResultsAreNamed() {
        assertTrue(assertThrows(InvalidArgumentException.class,
                () -> Bowstring.task(Parts::list, "a").results(-1, Object.class)).getMessage().contains("count is -1"));
        assertTrue(assertThrows(InvalidArgumentException.class,
                () -> Bowstring.task(Parts::list, "a").results(65_537, Object.class)).getMessage().contains("65537"));
        assertTrue(assertThrows(InvalidArgumentException.class,
                () -> Bowstring.task(Parts::list, "a").results(Long.class, null)).getMessage().contains("types[1]"));
        assertThrows(InvalidArgumentException.class,
                () -> Bowstring.task(Parts::list, "a").results(CompletionStage.class));
    }
}
