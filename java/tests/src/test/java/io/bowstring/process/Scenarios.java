package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Arg;
import io.bowstring.Bowstring;
import io.bowstring.ElementType;
import io.bowstring.Functions.Func1;
import io.bowstring.ObjectRef;
import io.bowstring.ObjectStream;
import io.bowstring.RuntimeContext;
import io.bowstring.StateQuery;
import io.bowstring.Tensor;
import io.bowstring.TensorBuffer;
import io.bowstring.WaitResult;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import io.bowstring.arrow.ReadOnlyTableException;
import io.bowstring.errors.ActorDiedException;
import io.bowstring.errors.ActorNameTakenException;
import io.bowstring.errors.ActorNotFoundException;
import io.bowstring.errors.ActorUnschedulableException;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.PendingCallsLimitException;
import io.bowstring.errors.SerializationException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.errors.TaskException;
import io.bowstring.errors.TaskTimeoutException;
import io.bowstring.errors.TaskUnschedulableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What programs rely on, the same on the testkit and on a runtime of processes. Two CPUs, and nothing else. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class Scenarios {
    private static final Duration LONG = Duration.ofSeconds(40);

    @TempDir
    Path folder;

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

    public static int calls(ActorHandle<Counter> counter, int amount) {
        return counter.task(Counter::add, amount).remote().get();
    }

    public static List<Integer> grown(List<Integer> list) {
        list.add(4);
        return list;
    }

    public static Object unserializable() {
        return new Object();
    }

    public static long rows(ArrowValue table) {
        return table.rowCount();
    }

    public static int length(String text) {
        return text.length();
    }

    public static List<String> here() {
        RuntimeContext context = Bowstring.getRuntimeContext();
        return List.of(Boolean.toString(context.inWorker()), context.jobId(), context.taskId());
    }

    // Tasks ----------------------------------------------------------------------------------------------------------

    @Test
    void resultsAreArgumentsAndMixWithValues() {
        ObjectRef<Integer> three = Bowstring.task(Calculator::add, 1, 2).remote();
        assertEquals(13, Bowstring.task(Calculator::add, three, Arg.of(10)).remote().get());
        assertEquals("hello you", Bowstring.task(Calculator::greet, Bowstring.put("you")).remote().get());
        assertNull(Bowstring.task(Calculator::nothing).remote().get());
        assertEquals(List.of(3, 13), Bowstring.get(List.of(three, Bowstring.task(Calculator::add, 6, 7).remote())));
    }

    @Test
    void tasksThatWaitForTasksFinishOnFewCpus() {
        assertEquals(8, Bowstring.task(Calculator::fib, 6).remote().get());
    }

    @Test
    void nobodySharesAnObject() {
        List<Integer> mine = new ArrayList<>(List.of(1, 2, 3));
        ObjectRef<List<Integer>> put = Bowstring.put(mine);
        assertEquals(List.of(1, 2, 3, 4), Bowstring.task(Scenarios::grown, put).remote().get());
        assertEquals(List.of(1, 2, 3), mine);
        assertEquals(List.of(1, 2, 3), put.get());
        assertNotSame(put.get(), put.get());
    }

    @Test
    void anExceptionArrivesWithItsTypeMessageAndCause() {
        ObjectRef<Integer> bad = Bowstring.task(Calculator::fail, "broken").remote();
        TaskException error = assertThrows(TaskException.class, bad::get);
        assertEquals(IllegalStateException.class, error.getCause().getClass());
        assertEquals("broken", error.getCause().getMessage());
        assertTrue(error.getMessage().contains("Calculator.fail: java.lang.IllegalStateException: broken"));
        TaskException passed = assertThrows(TaskException.class,
                () -> Bowstring.task(Calculator::add, bad, Arg.of(1)).remote().get());
        assertEquals("broken", passed.getCause().getMessage());
    }

    @Test
    void whatCanNotTravelIsRefused() {
        assertThrows(SerializationException.class, () -> Bowstring.put(new Object()));
        assertThrows(SerializationException.class, () -> Bowstring.task(Scenarios::unserializable).remote().get());
        assertThrows(InvalidArgumentException.class, () -> Bowstring.task((Integer x) -> x + 1, 1));
        assertThrows(InvalidArgumentException.class, () -> Bowstring.task("text"::length));
    }

    @Test
    void aWaitForNothingIsOver() {
        assertEquals(new WaitResult<>(List.of(), List.of()), Bowstring.wait(List.<ObjectRef<Integer>>of(), 1));
    }

    @Test
    void waitsHaveLimitsAndSplit() {
        ActorHandle<Gate> gate = Bowstring.actor(Gate::new).setMaxConcurrency(2).remote();
        ObjectRef<String> waits = gate.task(Gate::pass).remote();
        assertThrows(GetTimeoutException.class, () -> waits.get(Duration.ofMillis(20)));
        assertThrows(GetTimeoutException.class, () -> Bowstring.get(List.of(waits), Duration.ofMillis(20)));
        ObjectRef<String> there = Bowstring.put("there");
        WaitResult<String> split = Bowstring.wait(List.of(waits, there), 1, LONG);
        assertEquals(List.of(there), split.ready());
        assertEquals(List.of(waits), split.unready());
        assertEquals(1, Bowstring.wait(List.of(waits, there), 2, Duration.ofMillis(20)).ready().size());
        assertFalse(waits.toCompletableFuture().isDone());
        gate.task(Gate::open).remote().get();
        assertEquals("passed", waits.toCompletableFuture().join());
    }

    @Test
    void cancellingATaskCancelsItsChildren() throws Exception {
        Path mark = folder.resolve("child");
        ObjectRef<Integer> parent = Bowstring.task(Calculator::sleepInChild, 60_000, mark.toString()).remote();
        awaitFile("child.started");
        Bowstring.cancel(parent);
        assertThrows(TaskCancelledException.class, () -> parent.get(LONG));
        awaitFile("child.interrupted");
    }

    private void awaitFile(String name) throws InterruptedException {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (!Files.exists(folder.resolve(name))) {
            assertTrue(System.nanoTime() < deadline, name + " does not come");
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    @Test
    void aTaskThatWaitsForItsArgumentCanBeCancelled() {
        ActorHandle<Gate> gate = Bowstring.actor(Gate::new).setMaxConcurrency(2).remote();
        ObjectRef<String> waits = gate.task(Gate::pass).remote();
        ObjectRef<String> behind = Bowstring.task(Calculator::greet, waits).remote();
        Bowstring.cancel(behind);
        assertThrows(TaskCancelledException.class, () -> behind.get(LONG));
        assertThrows(InvalidArgumentException.class, () -> Bowstring.cancel(waits, true, false));
        gate.task(Gate::open).remote().get();
        assertEquals("passed", waits.get(LONG));
    }

    @Test
    void aTaskThatRunsTooLongIsEnded() {
        TaskTimeoutException error = assertThrows(TaskTimeoutException.class,
                () -> Bowstring.task(Calculator::sleep, 60_000).setTimeout(Duration.ofMillis(50)).remote().get(LONG));
        assertTrue(error.getMessage().contains("50 ms"), error.getMessage());
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
        assertThrows(TaskCancelledException.class, () -> never.get(LONG));
    }

    @Test
    void whatCanNeverRunIsSaid() {
        assertThrows(TaskUnschedulableException.class,
                () -> Bowstring.task(Calculator::nothing).setNumCpus(99).remote().get(LONG));
        ActorHandle<Counter> never = Bowstring.actor(Counter::new, 0).setResource("gold", 1).remote();
        assertThrows(ActorUnschedulableException.class, () -> never.task(Counter::add, 1).remote().get(LONG));
    }

    @Test
    void aTaskKnowsThatItIsOne() {
        RuntimeContext here = Bowstring.getRuntimeContext();
        List<String> there = Bowstring.task(Scenarios::here).remote().get();
        assertEquals(List.of("true", here.jobId()), there.subList(0, 2));
        assertFalse(here.inWorker());
        assertEquals(32, there.get(2).length());
        assertEquals(2.0, Bowstring.clusterResources().get("CPU"));
        assertEquals(1, Bowstring.nodes().size());
        assertThrows(InvalidArgumentException.class, () ->
                StateQuery.of(StateQuery.Kind.NODES).where("colour", StateQuery.Op.EQ, "red").rows());
    }

    // Actors ---------------------------------------------------------------------------------------------------------

    @Test
    void anActorKeepsItsStateAndTheOrderOfItsCalls() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 10).remote();
        List<ObjectRef<Integer>> refs = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            refs.add(counter.task(Counter::add, 1).remote());
        }
        List<Integer> values = Bowstring.get(refs);
        for (int i = 0; i < 100; i++) {
            assertEquals(11 + i, values.get(i));
        }
        counter.task(Counter::reset).remote().get();
        assertEquals(5, Bowstring.task(Scenarios::calls, counter, 5).remote().get());
        TaskException error = assertThrows(TaskException.class, () -> counter.task(Counter::fail).remote().get());
        assertEquals("not today", error.getCause().getMessage());
    }

    @Test
    void aCallThatWaitsForItsArgumentHoldsBackTheLaterOnesOfItsCaller() {
        ActorHandle<Gate> gate = Bowstring.actor(Gate::new).setMaxConcurrency(2).remote();
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 0).remote();
        ObjectRef<Integer> length = Bowstring.task(Scenarios::length, gate.task(Gate::pass).remote()).remote();
        ObjectRef<Integer> first = counter.task(Counter::add, length).remote();
        ObjectRef<Integer> second = counter.task(Counter::add, 1).remote();
        assertEquals(0, Bowstring.wait(List.of(second), 1, Duration.ofMillis(50)).ready().size());
        gate.task(Gate::open).remote().get();
        assertEquals(List.of(6, 7), Bowstring.get(List.of(first, second)));
    }

    @Test
    void anActorWhoseConstructorFailsIsDeadAndSaysWhy() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, -1).remote();
        ActorDiedException error = assertThrows(ActorDiedException.class,
                () -> counter.task(Counter::add, 1).remote().get());
        assertTrue(error.getMessage().contains("a counter starts at 0 or more"), error.getMessage());
        ActorHandle<Counter> other =
                Bowstring.<Integer, Counter>actor(Counter::new, Bowstring.task(Calculator::fail, "no number").remote()).remote();
        BowstringException second = assertThrows(BowstringException.class,
                () -> other.task(Counter::add, 1).remote().get());
        assertTrue(second.getMessage().contains("no number"), second.getMessage());
    }

    @Test
    void anActorIsFoundByItsNameAndKilled() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 0).setName("by name").remote();
        ActorHandle<Counter> found = Bowstring.getActor("by name");
        assertEquals(counter, found);
        assertThrows(ActorNameTakenException.class, () -> Bowstring.actor(Counter::new, 0).setName("by name").remote());
        ActorHandle<Counter> same = Bowstring.actor(Counter::new, 7).setName("by name").setGetIfExists(true).remote();
        assertEquals(2, found.task(Counter::add, 2).remote().get());
        assertEquals(5, same.task(Counter::add, 3).remote().get());
        counter.kill();
        assertThrows(ActorDiedException.class, () -> found.task(Counter::add, 1).remote().get(LONG));
        assertThrows(ActorNotFoundException.class, () -> Bowstring.getActor("nobody"));
    }

    @Test
    void anActorThatMayStartsAfresh() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 100).setMaxRestarts(1).remote();
        assertEquals(101, counter.task(Counter::add, 1).remote().get());
        counter.kill(false);
        assertEquals(101, counter.task(Counter::add, 1).setMaxTaskRetries(-1).remote().get(LONG));
        counter.kill(false);
        assertThrows(ActorDiedException.class,
                () -> counter.task(Counter::add, 1).setMaxTaskRetries(-1).remote().get(LONG));
    }

    @Test
    void anActorWithCheckpointsLosesNoCall() {
        ActorHandle<Ledger> ledger = Bowstring.actor(Ledger::new).setMaxRestarts(-1).setCheckpointInterval(3).remote();
        for (int i = 0; i < 7; i++) {
            assertEquals(i + 1, ledger.task(Ledger::add, "entry " + i).remote().get());
        }
        ledger.kill(false);
        assertEquals(8, ledger.task(Ledger::add, "entry 7").remote().get(LONG));
        assertEquals(8, Ledger.different(ledger.task(Ledger::entries).remote().get()));
        assertThrows(InvalidArgumentException.class,
                () -> Bowstring.actor(Counter::new, 0).setMaxRestarts(1).setCheckpointInterval(3).remote());
    }

    @Test
    void anActorCanLeave() {
        ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 0).setMaxRestarts(5).remote();
        assertNull(counter.task(Counter::leave).remote().get());
        assertThrows(ActorDiedException.class, () -> counter.task(Counter::add, 1).remote().get(LONG));
        assertThrows(InvalidArgumentException.class, Bowstring::exitActor);
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
                () -> desk.task(Desk::calls).setConcurrencyGroup("disk").remote().get());
        assertTrue(error.getMessage().contains("no concurrency group disk; it has io"), error.getMessage());
    }

    @Test
    void aCallerHasSoManyCallsPendingAsItMay() {
        ActorHandle<Gate> gate = Bowstring.actor(Gate::new).setMaxConcurrency(2).setMaxPendingCalls(1).remote();
        ObjectRef<String> waits = gate.task(Gate::pass).remote();
        PendingCallsLimitException error =
                assertThrows(PendingCallsLimitException.class, () -> gate.task(Gate::open).remote());
        assertTrue(error.getMessage().contains("1 calls pending"), error.getMessage());
        Bowstring.cancel(waits);
        assertThrows(TaskCancelledException.class, () -> waits.get(LONG));
        gate.task(Gate::open).remote().get();
    }

    // Streams --------------------------------------------------------------------------------------------------------

    @Test
    void aStreamIsReadItemByItemAndItsErrorIsTheLast() {
        List<Long> read = new ArrayList<>();
        try (ObjectStream<Long> items = Bowstring.task(Streams::upTo, 50L).stream(Long.class)) {
            items.values().forEach(read::add);
        }
        assertEquals(50, read.size());
        assertEquals(49L, read.get(49));
        try (ObjectStream<Long> items = Bowstring.task(Streams::failing).stream(Long.class)) {
            assertEquals(0L, items.next().get());
            assertEquals(1L, items.next().get());
            assertEquals(2L, items.next().get());
            TaskException error = assertThrows(TaskException.class, () -> items.next().get());
            assertEquals("no fourth item", error.getCause().getMessage());
            assertFalse(items.hasNext());
        }
        try (ObjectStream<Integer> items = Bowstring.task(Streams::none).stream(Integer.class)) {
            assertThrows(InvalidArgumentException.class, () -> items.next().get());
        }
    }

    @Test
    void nothingIsMadeFurtherAheadThanIsAllowedAndClosingEndsTheTask() throws Exception {
        Path made = folder.resolve("made");
        try (ObjectStream<Long> items = Bowstring.task(Streams::marking, made.toString(),
                folder.resolve("closed").toString()).setStreamAhead(2).stream(Long.class)) {
            assertEquals(0L, items.next().get());
            assertEquals(1L, items.next().get());
            assertTrue(Files.size(made) <= 5, "made " + Files.size(made));
        }
        awaitFile("closed");
    }

    @Test
    void aPublisherGivesWhatIsAskedFor() throws Exception {
        List<Long> got = new ArrayList<>();
        CountDownLatch over = new CountDownLatch(1);
        ObjectStream<Long> items = Bowstring.task(Streams::upTo, 10L).stream(Long.class);
        items.publisher().subscribe(new Flow.Subscriber<>() {
            private Flow.Subscription subscription;

            @Override
            public void onSubscribe(Flow.Subscription given) {
                subscription = given;
                given.request(3);
            }

            @Override
            public void onNext(Long value) {
                got.add(value);
                if (got.size() == 3) {
                    subscription.request(Long.MAX_VALUE);
                }
            }

            @Override
            public void onError(Throwable error) {
                over.countDown();
            }

            @Override
            public void onComplete() {
                over.countDown();
            }
        });
        assertTrue(over.await(40, TimeUnit.SECONDS));
        assertEquals(10, got.size());
    }

    // Values ---------------------------------------------------------------------------------------------------------

    @Test
    void referencesAndHandlesTravelInsideValues() {
        ObjectRef<Integer> seven = Bowstring.put(7);
        assertEquals(7, Bowstring.task(Calculator::first, List.of(seven)).remote().get());
        ObjectRef<List<ObjectRef<Integer>>> made = Bowstring.task(Calculator::makeRefs, 3).remote();
        assertEquals(List.of(0, 1, 2), Bowstring.get(made.get()));
        seven.release();
        assertThrows(InvalidArgumentException.class, seven::get);
        assertEquals(List.of(2), Bowstring.task(Calculator::lengths, Map.of("a", List.of(1, 2))).remote().get());
    }

    @Test
    void containersOfReferencesKeepTheirClass() {
        List<ObjectRef<Integer>> refs = List.of(Bowstring.put(1), Bowstring.put(2));
        assertEquals(12, Bowstring.task(Scenarios::firstAndLast, new LinkedList<>(refs), new ArrayDeque<>(refs))
                .remote().get());
        TreeMap<String, ObjectRef<Integer>> sorted = new TreeMap<>(Map.of("c", refs.get(1), "a", refs.get(0)));
        assertEquals(2, Bowstring.task(Scenarios::lastOf, sorted).remote().get());
        assertEquals("TreeMap[a, b, c]", Bowstring.task(Scenarios::classAndOrder, sorted).remote().get());
    }

    @Test
    void arraysAndTensorsGoWholeAndAreBuiltInPlace() {
        double[] ramp = Calculator.ramp(100_000);
        ObjectRef<double[]> put = Bowstring.put(ramp);
        assertArrayEquals(ramp, put.get());
        assertEquals(Calculator.sum(ramp), Bowstring.task(Calculator::sum, put).remote().get());
        try (TensorBuffer buffer = TensorBuffer.allocate(ElementType.FLOAT64, 2, 3)) {
            buffer.buffer().asDoubleBuffer().put(new double[] {1, 2, 3, 4, 5, 6});
            ObjectRef<Tensor> built = buffer.put();
            try (Tensor read = built.get()) {
                assertArrayEquals(new long[] {2, 3}, read.shape());
                assertArrayEquals(new double[] {1, 2, 3, 4, 5, 6}, read.toDoubleArray());
                assertTrue(read.buffer().isReadOnly());
            }
        }
    }

    /** A value as it is, whatever its class. */
    public static Object same(Object value) {
        return value;
    }

    public static <T> T generic(T value) {
        return value;
    }

    public static String classOf(Object value) {
        return value.getClass().getSimpleName();
    }

    public static String classOfTensor(Tensor tensor) {
        return tensor.getClass().getSimpleName() + tensor.size();
    }

    public static int firstAndLast(LinkedList<ObjectRef<Integer>> list, Deque<ObjectRef<Integer>> deque) {
        return 10 * list.getFirst().get() + deque.getLast().get();
    }

    public static int lastOf(SortedMap<String, ObjectRef<Integer>> refs) {
        return refs.get(refs.lastKey()).get();
    }

    public static String classAndOrder(Map<String, ObjectRef<Integer>> refs) {
        refs.put("b", Bowstring.put(2));
        return refs.getClass().getSimpleName() + refs.keySet();
    }

    public static ObjectRef<Integer> later(int value) {
        return Bowstring.put(value);
    }

    @Test
    void aValueComesBackAsWhatItWas() {
        Func1<Object, Object> same = Scenarios::same;
        Func1<Object, Object> generic = Scenarios::generic;
        Func1<Object, String> classOf = Scenarios::classOf;
        for (Object value : List.of((byte) 1, (short) -200, -70_000, 5, 5L, -5L, 1.5f, 2.5, 'x', "x", "lone \ud800", true,
                List.of(1, 2L, 'c', 1.5f), Map.of(1, (short) 2))) {
            String name = value.getClass().getSimpleName();
            assertEquals(value, Bowstring.task(same, value).remote().get());
            assertEquals(value, Bowstring.task(generic, value).remote().get());
            assertEquals(value, Bowstring.task(same, (Object) Bowstring.put(value)).remote().get());
            assertEquals(name, Bowstring.task(classOf, (Object) Bowstring.put(value)).remote().get());
            assertEquals(value, Bowstring.put(value).as(Object.class).get());
        }
        for (int length : new int[] {3, 300_000}) {
            for (Object array : List.of(new int[length], new double[length], new short[length], new boolean[length],
                    new byte[length])) {
                Object[] all = {array};
                assertArrayEquals(all, new Object[] {Bowstring.task(same, array).remote().get()});
                assertArrayEquals(all, new Object[] {Bowstring.put(array).as(Object.class).get()});
                assertEquals(array.getClass().getSimpleName(),
                        Bowstring.task(classOf, (Object) Bowstring.put(array)).remote().get());
            }
        }
        assertEquals("Tensor", Bowstring.task(classOf, Tensor.of(1, 2)).remote().get());
        assertEquals("Tensor2", Bowstring.task(Scenarios::classOfTensor, Tensor.of(1, 2)).remote().get());
    }

    public static Object listsInEachOther(int levels) {
        Object deep = 1;
        for (int level = 0; level < levels; level++) {
            deep = new ArrayList<>(Collections.singletonList(deep));
        }
        return deep;
    }

    public static int chainOfCauses(int length) throws Exception {
        Exception chain = new IllegalStateException("first");
        for (int each = 0; each < length; each++) {
            chain = new IllegalStateException("later", chain);
        }
        throw chain;
    }

    public static Map<String, Object> partlyUnserializable() {
        return Map.of("config", List.of(1, new Object()));
    }

    private static String refused(Executable call) {
        return assertThrows(SerializationException.class, call).getMessage();
    }

    @Test
    void whatIsTooDeepIsAnErrorThatSaysSo() {
        Object deep = listsInEachOther(10_000);
        Func1<Object, Object> same = Scenarios::same;
        assertContains("$: nested 9999 levels deep", refused(() -> Bowstring.put(deep)));
        assertContains("$.args[0]: nested 9999 levels deep", refused(() -> Bowstring.task(same, deep).remote()));
        ObjectRef<Object> made = Bowstring.task(Scenarios::listsInEachOther, 10_000).remote();
        assertContains("the result $: nested 9999 levels deep", refused(made::get));
        for (int length : new int[] {1_000, 30_000}) {
            TaskException error = assertThrows(
                    TaskException.class, () -> Bowstring.task(Scenarios::chainOfCauses, length).remote().get());
            assertContains("IllegalStateException: later", error.getMessage());
        }
    }

    @Test
    void whatCanNotTravelIsNamedByItsPath() {
        Func1<Object, Object> same = Scenarios::same;
        assertContains("$.config[1]: an object of java.lang.Object", refused(() -> Bowstring.put(partlyUnserializable())));
        assertContains("$.args[0].config[1]: ", refused(() -> Bowstring.task(same, partlyUnserializable()).remote()));
        ObjectRef<Map<String, Object>> made = Bowstring.task(Scenarios::partlyUnserializable).remote();
        assertContains("the result $.config[1]: an object of java.lang.Object", refused(made::get));
    }

    private static void assertContains(String part, String message) {
        assertTrue(message.contains(part), message);
    }

    @Test
    void aReferenceThatIsAResultKnowsWhatItsMethodDeclares() {
        ObjectRef<ObjectRef<Integer>> outer = Bowstring.task(Scenarios::later, 5).remote();
        Integer inner = outer.get().get();
        assertEquals(5, inner);
    }

    @Test
    void tablesAreViewsAndAreBuiltInPlace() {
        try (RootAllocator allocator = new RootAllocator(); BigIntVector ids = new BigIntVector("id", allocator)) {
            ids.allocateNew(3);
            ids.set(0, 1);
            ids.set(1, 2);
            ids.set(2, 3);
            ids.setValueCount(3);
            VectorSchemaRoot root = VectorSchemaRoot.of(ids);
            root.setRowCount(3);
            ObjectRef<ArrowValue> put = Bowstring.put(ArrowValue.of(root));
            assertEquals(3, Bowstring.task(Scenarios::rows, put).remote().get());
            try (ArrowValue read = put.get()) {
                BigIntVector there = (BigIntVector) read.root().getVector("id");
                assertEquals(3, there.get(2));
                assertThrows(ReadOnlyTableException.class, () -> there.set(0, 9));
            }
        }
        try (ArrowArena arena = ArrowArena.allocate(1 << 16);
                BigIntVector ids = new BigIntVector("id", arena.allocator())) {
            ids.allocateNew(2);
            ids.set(0, 5);
            ids.set(1, 6);
            ids.setValueCount(2);
            VectorSchemaRoot root = VectorSchemaRoot.of(ids);
            root.setRowCount(2);
            try (ArrowValue read = arena.put(root).get()) {
                assertEquals(6, ((BigIntVector) read.root().getVector("id")).get(1));
            }
        }
    }
}
