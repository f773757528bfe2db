package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.ActorOptions;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.PyActorClass;
import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;
import io.bowstring.errors.ActorDiedException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskException;
import io.bowstring.errors.WorkerCrashedException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CheckpointTest {
    private static final ActorOptions FOREVER = new ActorOptions().setMaxRestarts(-1);
    private static Bowstring.Runtime runtime;

    @TempDir
    Path folder;

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

    private static ActorHandle<Ledger> ledger(int interval) {
        return Bowstring.actor(Ledger::new).setOptions(FOREVER).setCheckpointInterval(interval).remote();
    }

    private static void kill(ActorHandle<Ledger> actor) {
        long pid = actor.task(Ledger::pid).remote().get();
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
        assertNotEquals(pid, actor.task(Ledger::pid).remote().get());
    }

    @Test
    void aKilledActorGoesOnWhereItWas() {
        for (int interval : new int[] {1, 1000}) {
            ActorHandle<Ledger> ledger = ledger(interval);
            ledger.task(Ledger::keep, List.of(Bowstring.put("kept"))).remote();
            for (int call = 1; call <= 10; call++) {
                assertEquals(call, ledger.task(Ledger::add, "e" + call).remote().get());
            }
            kill(ledger);
            assertEquals(11, ledger.task(Ledger::add, "after").remote().get());
            kill(ledger);
            assertEquals(11.0, ledger.task(Ledger::sum).remote().get());
            assertEquals("kept", ledger.task(Ledger::kept).remote().get());
            assertEquals(List.of(12, "two"), ledger.task(Ledger::two, "two").results(Integer.class, String.class)
                    .stream().map(ObjectRef::get).toList());
            ledger.kill();
        }
    }

    @Test
    void randomKillsLoseNoCallAndApplyNoneTwice() throws InterruptedException {
        ActorHandle<Ledger> ledger = ledger(7);
        AtomicBoolean over = new AtomicBoolean();
        Random random = new Random();
        AtomicInteger kills = new AtomicInteger();
        Thread killer = new Thread(() -> {
            while (!over.get() || kills.get() < 5) {
                ledger.task(Ledger::pid).remote().get();
                for (int spin = random.nextInt(20_000); spin > 0; spin--) {
                    Thread.onSpinWait();
                }
                ledger.kill(false); // on request, so that it starts again at once; SIGKILL as well
                kills.incrementAndGet();
            }
        });
        killer.start();
        List<ObjectRef<Integer>> answers = new ArrayList<>();
        for (int batch = 0; batch < 5; batch++) {
            for (int call = 0; call < 100; call++) {
                answers.add(ledger.task(Ledger::add, "e" + answers.size()).remote());
            }
            answers.get(answers.size() - 1).get();
        }
        over.set(true);
        killer.join();
        List<String> entries = ledger.task(Ledger::entries).remote().get();
        assertEquals(500, entries.size());
        for (int call = 0; call < 500; call++) {
            assertEquals("e" + call, entries.get(call));
            assertEquals(call + 1, answers.get(call).get());
        }
    }

    @Test
    void aCallThatThrowsIsAppliedOnceToo() {
        ActorHandle<Ledger> ledger = ledger(100);
        assertTrue(assertThrows(TaskException.class, () -> ledger.task(Ledger::addAndFail, "x").remote().get())
                .getMessage().contains("added x"));
        kill(ledger);
        assertEquals(List.of("x"), ledger.task(Ledger::entries).remote().get());
    }

    @Test
    void aCallThatEndsItsProcessIsTriedAgainUntilItIsToBlame() {
        ActorHandle<Ledger> ledger = ledger(100);
        assertEquals(1, ledger.task(Ledger::deadly, folder.resolve("twice").toString(), 2).remote().get());
        ActorHandle<Ledger> bounded = Bowstring.actor(Ledger::new)
                .setMaxRestarts(-1).setCheckpointInterval(5).setMaxTaskRetries(2).remote();
        assertEquals(1, bounded.task(Ledger::add, "before").remote().get());
        ObjectRef<Integer> deadly = bounded.task(Ledger::deadly, folder.resolve("often").toString(), 99).remote();
        ObjectRef<Integer> behind = bounded.task(Ledger::add, "behind").remote();
        assertTrue(assertThrows(WorkerCrashedException.class, deadly::get).getMessage().contains("not applied"));
        assertEquals(2, behind.get());
    }

    @Test
    void anActorWithCheckpointsCanLeave() {
        ActorHandle<Ledger> ledger = ledger(2);
        ledger.task(Ledger::add, "one").remote().get();
        ledger.task(Ledger::leave).remote().get();
        assertThrows(ActorDiedException.class, () -> ledger.task(Ledger::sum).remote().get());
    }

    @Test
    void aPythonActorIsMadeWithCheckpointsFromJava() {
        PyActorMethod<Long> add = PyActorMethod.of("add", Long.class);
        PyActorHandle account = Bowstring.actor(PyActorClass.of("java_test_peer", "Account"), 3L)
                .setMaxRestarts(-1).setCheckpointInterval(4).remote();
        for (long call = 1; call <= 10; call++) {
            assertEquals(3 + call, account.task(add, 1L).remote().get());
        }
        account.kill(false);
        assertEquals(14L, account.task(add, 1L).remote().get());
        PyActorHandle without = Bowstring.actor(PyActorClass.of("java_test_peer", "Counter"), 3L)
                .setMaxRestarts(1).setCheckpointInterval(4).remote();
        ActorDiedException error =
                assertThrows(ActorDiedException.class, () -> without.task(add, 1L).remote().get());
        assertTrue(error.getMessage().contains("save_checkpoint"), error.getMessage());
        PyActorHandle async = Bowstring.actor(PyActorClass.of("java_test_peer", "AsyncAccount"), 3L)
                .setMaxRestarts(1).setCheckpointInterval(4).remote();
        assertTrue(assertThrows(ActorDiedException.class, () -> async.task(add, 1L).remote().get())
                .getMessage().contains("async methods"));
    }

    @Test
    void whatCantHaveCheckpointsIsSaid() {
        assertTrue(assertThrows(InvalidArgumentException.class,
                () -> Bowstring.actor(Ledger::new).setCheckpointInterval(0)).getMessage().contains("calls is 0"));
        assertTrue(assertThrows(InvalidArgumentException.class,
                () -> Bowstring.actor(Ledger::new).setCheckpointInterval(1).remote()).getMessage().contains("maxRestarts"));
        assertTrue(assertThrows(InvalidArgumentException.class, () -> Bowstring.actor(Ledger::new)
                .setOptions(FOREVER).setCheckpointInterval(1).setMaxConcurrency(2).remote())
                .getMessage().contains("one call runs at a time"));
        assertTrue(assertThrows(InvalidArgumentException.class, () -> Bowstring.actor(Counter::new, 1)
                .setOptions(FOREVER).setCheckpointInterval(1).remote()).getMessage().contains("io.bowstring.Checkpointed"));
        ActorHandle<Unsaved> never = Bowstring.actor(Unsaved::new, true).setOptions(FOREVER).setCheckpointInterval(1).remote();
        assertTrue(assertThrows(ActorDiedException.class, () -> never.task(Unsaved::call).remote().get())
                .getMessage().contains("nothing to save"));
        ActorHandle<Ledger> ledger = ledger(2);
        assertThrows(InvalidArgumentException.class,
                () -> ledger.task(Ledger::entries).stream(String.class).next().get());
    }

    @Test
    void callsGoOnWhileTheStateCantBeSaved() {
        ActorHandle<Unsaved> actor = Bowstring.actor(Unsaved::new, false)
                .setOptions(FOREVER).setCheckpointInterval(1).remote();
        assertEquals(1, actor.task(Unsaved::stop).remote().get());
        assertEquals(2, actor.task(Unsaved::call).remote().get());
        actor.kill(false);
        assertEquals(3, actor.task(Unsaved::call).remote().get());
    }
}
