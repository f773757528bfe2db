package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.ObjectStream;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.errors.TaskException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Calls of actors whose methods return a stage: under way until it ends, and without a thread. */
@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StageTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static Bowstring.Runtime runtime;

    @BeforeAll
    static void start() {
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).build());
    }

    @AfterAll
    static void stop() {
        if (runtime != null) {
            runtime.close();
        }
    }

    private static void awaitListeners(ActorHandle<Bell> bell, int count) {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (bell.task(Bell::listeners).remote().get(LONG) < count) {
            assertTrue(System.nanoTime() < deadline, "not all calls have begun");
        }
    }

    @Test
    void callsThatWaitForTheirStagesHaveNoThread() {
        ActorHandle<Bell> bell = Bowstring.actor(Bell::new).setMaxConcurrency(16).remote();
        List<ObjectRef<Integer>> heard = new ArrayList<>();
        for (int number = 0; number < 15; number++) {
            heard.add(bell.task(Bell::hear, number).remote(Integer.class));
            awaitListeners(bell, number + 1);
        }
        int threads = bell.task(Bell::threads).remote().get(LONG);
        assertTrue(threads <= 8, threads + " threads for calls of which one runs");
        assertEquals(15, bell.task(Bell::ring, 100).remote().get(LONG));
        for (int number = 0; number < 15; number++) {
            assertEquals(100 + number, heard.get(number).get(LONG));
        }
    }

    @Test
    void noMoreCallsOverlapThanMay() {
        ActorHandle<Bell> bell = Bowstring.actor(Bell::new).setMaxConcurrency(2).remote();
        ObjectRef<Integer> first = bell.task(Bell::hear, 1).remote(Integer.class);
        awaitListeners(bell, 1);
        ObjectRef<Integer> second = bell.task(Bell::hear, 2).remote(Integer.class);
        ObjectRef<Integer> behind = bell.task(Bell::ring, 10).remote();
        assertEquals(List.of(), Bowstring.wait(List.of(first, second, behind), 1, Duration.ofMillis(200)).ready());
        Bowstring.cancel(second);
        assertThrows(TaskCancelledException.class, () -> second.get(LONG));
        assertEquals(2, behind.get(LONG));
        assertEquals(11, first.get(LONG));
    }

    @Test
    void withoutOverlapEachCallEndsBeforeTheNextBegins() {
        ActorHandle<Bell> bell = Bowstring.actor(Bell::new).remote();
        List<ObjectRef<List<?>>> notes = new ArrayList<>();
        for (int number = 0; number < 50; number++) {
            notes.add(cast(bell.task(Bell::note, "call " + number).remote(List.class)));
        }
        List<?> events = notes.get(49).get(LONG);
        for (int number = 0; number < 50; number++) {
            assertEquals("call " + number + " began", events.get(2 * number));
            assertEquals("call " + number + " ended", events.get(2 * number + 1));
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static ObjectRef<List<?>> cast(ObjectRef<List> ref) {
        return (ObjectRef) ref;
    }

    @Test
    void aCallThatWaitsForItsStageCanBeCancelled() {
        ActorHandle<Bell> bell = Bowstring.actor(Bell::new).setMaxConcurrency(2).remote();
        ObjectRef<Integer> heard = bell.task(Bell::hear, 1).remote(Integer.class);
        awaitListeners(bell, 1);
        Bowstring.cancel(heard);
        assertThrows(TaskCancelledException.class, () -> heard.get(LONG));
        assertEquals(1, bell.task(Bell::cancelled).remote().get(LONG));
    }

    @Test
    void aStageThatFailsLaterIsTheCallsError() {
        ActorHandle<Bell> bell = Bowstring.actor(Bell::new).setMaxConcurrency(2).remote();
        ObjectRef<Integer> failing = bell.task(Bell::fail).remote(Integer.class);
        awaitListeners(bell, 1);
        bell.task(Bell::ring, 1).remote().get(LONG);
        TaskException error = assertThrows(TaskException.class, () -> failing.get(LONG));
        assertInstanceOf(IllegalStateException.class, error.getCause());
    }

    @Test
    void aStreamMayComeLater() {
        ActorHandle<Bell> bell = Bowstring.actor(Bell::new).setMaxConcurrency(2).remote();
        try (ObjectStream<Integer> stream = bell.task(Bell::peal, 3).stream(Integer.class)) {
            bell.task(Bell::ring, 5).remote().get(LONG);
            List<Integer> items = new ArrayList<>();
            stream.values().forEach(items::add);
            assertEquals(List.of(5, 6, 7), items);
        }
        assertFalse(bell.task(Bell::threads).remote().get(LONG) > 2);
    }
}
