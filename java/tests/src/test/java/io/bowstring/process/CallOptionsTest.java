package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.PyFunction;
import io.bowstring.StateQuery;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.errors.TaskException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CallOptionsTest {
    private static Bowstring.Runtime runtime;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() throws URISyntaxException {
        String peers = Path.of(StreamTest.class.getResource("/python/java_test_peer.py").toURI()).getParent().toString();
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).setPythonPath(List.of(peers)).build());
    }

    @AfterAll
    static void stop() {
        if (runtime != null) {
            runtime.close();
        }
    }

    @Test
    void aTaskIsTriedAgainAfterTheExceptionsThatAreNamed() {
        String marks = folder.resolve("marks").toString();
        assertEquals(3, Bowstring.task(Desk::failing, marks, 2).setRetryOn(IOException.class).remote().get());
        String few = folder.resolve("few").toString();
        assertThrows(TaskException.class, () -> Bowstring.task(Desk::failing, few, 2)
                .setMaxRetries(1).setRetryOn(IOException.class).remote().get());
        String others = folder.resolve("others").toString();
        assertThrows(TaskException.class, () -> Bowstring.task(Desk::failing, others, 1)
                .setRetryOn(IllegalStateException.class).remote().get());
        String all = folder.resolve("all").toString();
        assertEquals(2, Bowstring.task(Desk::failing, all, 1).setRetryExceptions(true).remote().get());
        PyFunction<Long> python = PyFunction.of("java_test_peer", "failing", Long.class);
        String named = folder.resolve("named").toString();
        assertEquals(3, Bowstring.task(python, named, 2).setRetryOn("ValueError").remote().get());
    }

    @Test
    void methodsDeclareAfterWhatTheyAreTriedAgain() {
        ActorHandle<Desk> desk = Bowstring.actor(Desk::new).remote();
        assertEquals(3, desk.task(Desk::flaky, 2).remote().get());
        assertThrows(TaskException.class, () -> desk.task(Desk::wrong).remote().get());
        assertEquals(4, desk.task(Desk::calls).remote().get());
        assertThrows(TaskException.class, () -> desk.task(Desk::flaky, 9).setMaxTaskRetries(0).remote().get());
        assertEquals(5, desk.task(Desk::calls).remote().get());
    }

    @Test
    void aConcurrencyGroupRunsBesideTheOthers() {
        ActorHandle<Desk> desk = Bowstring.actor(Desk::new).setConcurrencyGroup("io", 1).remote();
        ObjectRef<Integer> waiting = desk.task(Desk::waitForGate).remote();
        ObjectRef<Integer> behind = desk.task(Desk::calls).remote();
        assertEquals(2, desk.task(Desk::open).remote().get());
        assertEquals(1, waiting.get());
        assertEquals(0, behind.get());
        ActorHandle<Desk> other = Bowstring.actor(Desk::new).setConcurrencyGroup("io", 2).remote();
        ObjectRef<Integer> held = other.task(Desk::waitForGate).remote();
        assertEquals(3, other.task(Desk::openUndeclared).setConcurrencyGroup("io").remote().get());
        assertEquals(1, held.get());
        InvalidArgumentException error = assertThrows(InvalidArgumentException.class,
                () -> other.task(Desk::calls).setConcurrencyGroup("disk").remote().get());
        assertTrue(error.getMessage().contains("no concurrency group disk; it has io"), error.getMessage());
    }

    @Test
    void theValueOfACompletionStageIsTheResult() {
        assertEquals(6, Bowstring.task(Desk::later, 5L).remote(Long.class).get());
        TaskException error = assertThrows(TaskException.class,
                () -> Bowstring.task(Desk::neverWell).remote(Long.class).get());
        assertInstanceOf(IllegalStateException.class, error.getCause());
        assertThrows(InvalidArgumentException.class, () -> Bowstring.task(Desk::later, 5L).remote());
        ObjectRef<Long> never = Bowstring.task(Desk::never).remote(Long.class);
        assertEquals(1, Bowstring.task(Calculator::add, 0, 1).remote().get());
        Bowstring.cancel(never);
        assertThrows(TaskCancelledException.class, never::get);
    }

    @Test
    void theStateOfTheRuntimeCanBeAsked() throws InterruptedException {
        assertEquals(2.0, Bowstring.clusterResources().get("CPU"));
        assertEquals(1, Bowstring.nodes().size());
        ActorHandle<Desk> desk = Bowstring.actor(Desk::new).setName("asked").setConcurrencyGroup("io", 1).remote();
        ObjectRef<Integer> waiting = desk.task(Desk::waitForGate).remote();
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        List<Map<String, Object>> stacks = List.of();
        while (stacks.isEmpty()) {
            assertTrue(System.nanoTime() < deadline, "no stack shows the call");
            stacks = StateQuery.of(StateQuery.Kind.STACKS)
                    .where("stack", StateQuery.Op.CONTAINS, "Desk.waitForGate")
                    .where("language", StateQuery.Op.EQ, "JAVA")
                    .rows();
        }
        String task = (String) stacks.get(0).get("task");
        assertEquals(32, task.length());
        List<Map<String, Object>> rows =
                StateQuery.of(StateQuery.Kind.TASKS).where("task", StateQuery.Op.EQ, task).rows();
        assertEquals("RUNNING", rows.get(0).get("state"), rows.toString());
        assertEquals(1, StateQuery.of(StateQuery.Kind.ACTORS).where("name", StateQuery.Op.EQ, "asked").limit(5).rows().size());
        assertTrue(!StateQuery.of(StateQuery.Kind.REFERENCES).rows().isEmpty());
        assertThrows(InvalidArgumentException.class, () ->
                StateQuery.of(StateQuery.Kind.NODES).where("colour", StateQuery.Op.EQ, "red").rows());
        desk.task(Desk::open).remote().get();
        assertEquals(1, waiting.get());
    }

    @Test
    void aTaskKnowsWhereItsJobWantsItToBe() {
        String here = Path.of("").toAbsolutePath().toString();
        assertEquals(here + " true 0", Bowstring.task(Desk::context).remote().get());
        assertEquals(here, Bowstring.getRuntimeContext().workingDirectory());
    }
}
