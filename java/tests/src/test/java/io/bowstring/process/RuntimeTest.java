package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Arg;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.StateQuery;
import io.bowstring.WaitResult;
import io.bowstring.errors.ActorDiedException;
import io.bowstring.errors.ActorNameTakenException;
import io.bowstring.errors.ActorNotFoundException;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.errors.TaskException;
import io.bowstring.errors.TaskTimeoutException;
import io.bowstring.errors.WorkerCrashedException;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Recall;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
class RuntimeTest {
    private static Bowstring.Runtime runtime;

    @BeforeAll
    static void start() {
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).setNamespace("tests").build());
    }

    @AfterAll
    static void end() {
        runtime.close();
    }

    @Test
    void aTaskRunsInAnotherProcess() {
        ObjectRef<Integer> sum = Bowstring.task(Calculator::add, 1, 2).remote();
        assertEquals(3, sum.get());
        assertNull(Bowstring.task(Calculator::nothing).remote().get());
    }

    @Test
    void referencesAreResolvedAndMixWithValues() {
        ObjectRef<Integer> three = Bowstring.task(Calculator::add, 1, 2).remote();
        assertEquals(13, Bowstring.task(Calculator::add, three, Arg.of(10)).remote().get());
        assertEquals("hello you", Bowstring.task(Calculator::greet, Bowstring.put("you")).remote().get());
    }

    @Test
    void largeArraysGoThroughTheStore() {
        ObjectRef<double[]> ramp = Bowstring.task(Calculator::ramp, 1_000_000).remote();
        assertEquals(999_999.0 * 500_000, Bowstring.task(Calculator::sum, ramp).remote().get());
        assertEquals(1_000_000, ramp.get().length);
        double[] mine = Calculator.ramp(200_000);
        assertArrayEquals(mine, Bowstring.put(mine).get());
        assertEquals(Calculator.sum(mine), Bowstring.task(Calculator::sum, mine).remote().get());
    }

    @Test
    void manyTasksComeBackInOrderOfTheirReferences() {
        List<ObjectRef<Integer>> refs = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            refs.add(Bowstring.task(Calculator::add, i, 1).remote());
        }
        List<Integer> values = Bowstring.get(refs);
        for (int i = 0; i < 2000; i++) {
            assertEquals(i + 1, values.get(i));
        }
    }

    @Test
    void nestedTasksFinishOnFewCpus() {
        assertEquals(13, Bowstring.task(Calculator::fib, 7).remote().get());
    }

    @Test
    void typesInsideContainersAreKept() {
        assertEquals(List.of(2), Bowstring.task(Calculator::lengths, Map.of("a", List.of(1, 2))).remote().get());
        assertEquals(List.of(1, 2), Bowstring.put(List.of(1, 2)).get());
    }

    @Test
    void anExceptionArrivesWithItsTypeMessageAndCause() {
        TaskException error = assertThrows(TaskException.class,
                () -> Bowstring.task(Calculator::fail, "broken").remote().get());
        assertEquals(IllegalStateException.class, error.getCause().getClass());
        assertEquals("broken", error.getCause().getMessage());
        assertTrue(error.getMessage().contains("java.lang.IllegalStateException: broken"), error.getMessage());
        assertTrue(error.getMessage().contains("Calculator.fail"), error.getMessage());
    }

    @Test
    void anErrorPassesThroughTasksThatTakeItAsAnArgument() {
        ObjectRef<Integer> bad = Bowstring.task(Calculator::fail, "first").remote();
        TaskException error = assertThrows(TaskException.class,
                () -> Bowstring.task(Calculator::add, bad, Arg.of(1)).remote().get());
        assertEquals("first", error.getCause().getMessage());
    }

    @Test
    void aCrashedWorkerIsAnErrorOnceRetriesAreUsedUp() {
        WorkerCrashedException error = assertThrows(WorkerCrashedException.class,
                () -> Bowstring.task(Calculator::crash).setMaxRetries(1).remote().get());
        assertTrue(error.details().mayHaveExecuted());
        assertEquals(5, Bowstring.task(Calculator::add, 2, 3).remote().get());
    }

    @Test
    void getRunsOutOfTimeAndWaitSplits() {
        ObjectRef<Integer> slow = Bowstring.task(Calculator::sleep, 2000).remote();
        ObjectRef<Integer> quick = Bowstring.task(Calculator::sleep, 1).remote();
        assertThrows(GetTimeoutException.class, () -> slow.get(Duration.ofMillis(50)));
        WaitResult<Integer> result = Bowstring.wait(List.of(slow, quick), 1, Duration.ofSeconds(20));
        assertEquals(List.of(quick), result.ready());
        assertEquals(List.of(slow), result.unready());
        Bowstring.cancel(slow);
    }

    @Test
    void aRunningTaskCanBeCancelled() {
        ObjectRef<Integer> slow = Bowstring.task(Calculator::sleep, 60_000).remote();
        Bowstring.wait(List.of(slow), 1, Duration.ofMillis(300));
        Bowstring.cancel(slow);
        assertThrows(TaskCancelledException.class, () -> slow.get(Duration.ofSeconds(20)));
    }

    @Test
    void cancellingATaskCancelsItsChildren(@TempDir Path folder) throws Exception {
        Path mark = folder.resolve("child");
        ObjectRef<Integer> parent = Bowstring.task(Calculator::sleepInChild, 60_000, mark.toString()).remote();
        awaitFile(folder.resolve("child.started"));
        Bowstring.cancel(parent);
        assertThrows(TaskCancelledException.class, () -> parent.get(Duration.ofSeconds(20)));
        awaitFile(folder.resolve("child.interrupted"));
    }

    private static void awaitFile(Path path) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!Files.exists(path)) {
            assertTrue(System.nanoTime() < deadline, path + " was not made in time");
            Bowstring.task(Calculator::nothing).setNumCpus(0).remote().get();
        }
    }

    @Test
    void anInterruptedWaitBreaksNothing() throws Exception {
        ObjectRef<Integer> slow = Bowstring.task(Calculator::sleep, 3000).remote();
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread waiter = new Thread(() -> {
            try {
                slow.get();
            } catch (TaskCancelledException error) {
                thrown.set(Thread.currentThread().isInterrupted() ? error : null);
            }
        });
        waiter.start();
        waiter.interrupt();
        waiter.join(20_000);
        assertInstanceOf(TaskCancelledException.class, thrown.get());
        assertEquals(3, Bowstring.task(Calculator::add, 1, 2).remote().get());
        Bowstring.cancel(slow);
    }

    @Test
    void aTaskThatRunsTooLongIsEnded() {
        assertThrows(TaskTimeoutException.class,
                () -> Bowstring.task(Calculator::sleep, 60_000).setTimeout(Duration.ofMillis(50)).remote().get());
    }

    @Test
    void aMethodThatIsNotThereOrNotStaticIsSaid() {
        var error = assertThrows(InvalidArgumentException.class, () -> Bowstring.task(Counter::fail, new Counter(1)));
        assertTrue(error.getMessage().contains("no static method"), error.getMessage());
        assertThrows(InvalidArgumentException.class, () -> Bowstring.task(() -> 1));
    }

    @Test
    void aStrangerOnAWorkersSocketEndsNothingButItsConnection() throws Exception {
        assertEquals(3, Bowstring.task(Calculator::add, 1, 2).remote().get());
        Random random = new Random(7);
        List<Path> sockets;
        try (var files = Files.list(Path.of(Bowstring.getRuntimeContext().sessionPath()))) {
            sockets = files.filter(path -> path.getFileName().toString().matches("w\\d+\\.sock")).toList();
        }
        for (Path socket : sockets) {
            for (int round = 0; round < 5; round++) {
                byte[] garbage = new byte[200];
                random.nextBytes(garbage);
                if (round > 2) {
                    garbage = Frame.encode(new Recall()).array(); // a good frame, before the handshake
                }
                try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
                    channel.write(ByteBuffer.wrap(garbage));
                    ByteBuffer answer = ByteBuffer.allocate(4096);
                    while (channel.read(answer) >= 0) {
                        assertTrue(answer.hasRemaining(), "a worker says no more than Challenge and GoAway");
                    }
                } catch (IOException gone) {
                    assertTrue(gone.getMessage() != null, "a worker that has ended, or reset by one that closed");
                }
            }
        }
        assertEquals(3, Bowstring.task(Calculator::add, 1, 2).remote().get());
    }

    @Test
    void callsOfAConcurrentActorOverlap() {
        ActorHandle<Gate> gate = Bowstring.actor(Gate::new).setMaxConcurrency(2).remote();
        ObjectRef<String> waits = gate.task(Gate::pass).remote();
        gate.task(Gate::open).remote().get();
        assertEquals("passed", waits.get(Duration.ofSeconds(20)));
    }

    /** An actor with a method that another one ends. */
    public static final class Gate {
        private final CountDownLatch latch = new CountDownLatch(1);

        public String pass() throws InterruptedException {
            latch.await();
            return "passed";
        }

        public void open() {
            latch.countDown();
        }
    }

    @Test
    void referencesTravelInsideValuesBothWays() {
        ObjectRef<Integer> seven = Bowstring.put(7);
        assertEquals(7, Bowstring.task(Calculator::first, List.of(seven)).remote().get());
        ObjectRef<List<ObjectRef<Integer>>> made = Bowstring.task(Calculator::makeRefs, 3).remote();
        List<ObjectRef<Integer>> refs = made.get();
        assertEquals(List.of(0, 1, 2), Bowstring.get(refs));
    }

    @Test
    void aFutureEndsWithTheValue() throws Exception {
        assertEquals(3, Bowstring.task(Calculator::add, 1, 2).remote().toCompletableFuture().get());
    }

    @Test
    void anActorKeepsItsStateAndItsOrder() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 10).remote();
        List<ObjectRef<Integer>> refs = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            refs.add(counter.task(Counter::add, 1).remote());
        }
        List<Integer> values = Bowstring.get(refs);
        for (int i = 0; i < 500; i++) {
            assertEquals(11 + i, values.get(i));
        }
        counter.task(Counter::reset).remote().get();
        assertEquals(1, counter.task(Counter::add, 1).remote().get());
        TaskException error = assertThrows(TaskException.class, () -> counter.task(Counter::fail).remote().get());
        assertEquals("not today", error.getCause().getMessage());
    }

    @Test
    void anActorWhoseConstructorFailsIsDeadAndSaysWhy() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, -1).remote();
        ActorDiedException error = assertThrows(ActorDiedException.class,
                () -> counter.task(Counter::add, 1).remote().get());
        assertTrue(error.getMessage().contains("a counter starts at 0 or more"), error.getMessage());
    }

    @Test
    void anActorIsFoundByItsNameAndKilled() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 0).setName("by name").remote();
        ActorHandle<Counter> found = Bowstring.getActor("by name");
        assertEquals(2, found.task(Counter::add, 2).remote().get());
        assertEquals(5, counter.task(Counter::add, 3).remote().get());
        counter.kill();
        assertThrows(ActorDiedException.class, () -> found.task(Counter::add, 1).remote().get());
    }

    @Test
    void aNameIsTakenOnceUnlessWhoHasItIsWanted() {
        ActorHandle<Counter> one = Bowstring.actor(Counter::new, 0).setName("once").remote();
        assertThrows(ActorNameTakenException.class, () -> Bowstring.actor(Counter::new, 0).setName("once").remote());
        ActorHandle<Counter> same = Bowstring.actor(Counter::new, 7).setName("once").setGetIfExists(true).remote();
        assertEquals(one, same);
        assertEquals(1, same.task(Counter::add, 1).remote().get());
        assertEquals(2, one.task(Counter::add, 1).remote().get());
        assertThrows(ActorNotFoundException.class, () -> Bowstring.getActor("nobody"));
    }

    private static int timesThatItMayHaveRun(ObjectRef<?> call) {
        String message = assertThrows(ActorDiedException.class, call::get).getMessage();
        return message.split("The work may have run", -1).length - 1;
    }

    @Test
    void theCallThatAnActorDiesInSaysOnceThatItMayHaveRun() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 0).remote();
        assertEquals(1, timesThatItMayHaveRun(counter.task(Counter::crash).remote()));
        assertEquals(0, timesThatItMayHaveRun(counter.task(Counter::add, 1).remote()));
    }

    @Test
    void anActorStartsAgainAfterACrash() {
        ActorHandle<Counter> counter =
                Bowstring.actor(Counter::new, 100).setMaxRestarts(1).setMaxTaskRetries(0).remote();
        assertEquals(101, counter.task(Counter::add, 1).remote().get());
        assertThrows(RuntimeException.class, () -> counter.task(Counter::crash).remote().get());
        assertEquals(101, counter.task(Counter::add, 1).remote().get(Duration.ofSeconds(30)));
    }

    @Test
    void anActorCanLeave() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 0).setMaxRestarts(5).remote();
        assertNull(counter.task(Counter::leave).remote().get());
        assertThrows(ActorDiedException.class,
                () -> counter.task(Counter::add, 1).remote().get(Duration.ofSeconds(20)));
    }

    @Test
    void aTaskKnowsWhereItsJobWantsItToBe() {
        String here = Path.of("").toAbsolutePath().toString();
        assertEquals(here + " true 0", Bowstring.task(Desk::context).remote().get());
        assertEquals(here, Bowstring.getRuntimeContext().workingDirectory());
    }

    @Test
    void whatRunsIsFoundByItsStack() {
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
        desk.task(Desk::open).remote().get();
        assertEquals(1, waiting.get());
    }
}
