package io.bowstring.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.ElementType;
import io.bowstring.ObjectRef;
import io.bowstring.ObjectStream;
import io.bowstring.PyActorClass;
import io.bowstring.PyFunction;
import io.bowstring.StateQuery;
import io.bowstring.Tensor;
import io.bowstring.TensorBuffer;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.RuntimeStoppedException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

@Timeout(60)
class TestkitTest {
    private static final CountDownLatch NEVER = new CountDownLatch(1);

    static long square(long x) {
        return x * x;
    }

    static int waitForEver() throws InterruptedException {
        NEVER.await();
        return 0;
    }

    static int deaf(boolean unused) {
        while (!stopped) {
            Thread.onSpinWait();
        }
        return 0;
    }

    private static volatile boolean stopped;

    static Stream<Integer> numbers() {
        return Stream.iterate(0, i -> i + 1);
    }

    static final class Holder {
        int held() throws InterruptedException {
            return waitForEver();
        }
    }

    private static ObjectRef<ArrowValue> table() {
        try (RootAllocator allocator = new RootAllocator(); BigIntVector ids = new BigIntVector("id", allocator)) {
            ids.allocateNew(1);
            ids.set(0, 7);
            ids.setValueCount(1);
            VectorSchemaRoot root = VectorSchemaRoot.of(ids);
            root.setRowCount(1);
            return Bowstring.put(ArrowValue.of(root));
        }
    }

    @Test
    void itIsTheRuntimeOfTheProcessWhileItIsOpen() {
        assertFalse(Bowstring.isInitialized());
        ObjectRef<Long> nine;
        try (Testkit kit = Testkit.start()) {
            assertTrue(Bowstring.isInitialized());
            assertThrows(InvalidArgumentException.class, Testkit::start);
            assertThrows(InvalidArgumentException.class, () -> Bowstring.init());
            nine = Bowstring.task(TestkitTest::square, 3L).remote();
            assertEquals(9, nine.get());
            assertEquals(List.of(), kit.leaks());
        }
        assertFalse(Bowstring.isInitialized());
        assertThrows(RuntimeStoppedException.class, () -> Bowstring.task(TestkitTest::square, 3L).remote());
        try (Testkit kit = Testkit.start()) {
            assertThrows(InvalidArgumentException.class, () -> Bowstring.task(TestkitTest::square, nine).remote());
        }
    }

    @Test
    void aTableThatIsNotClosedIsReportedWithTheStackOfItsReader() {
        Testkit kit = Testkit.start();
        ObjectRef<ArrowValue> put = table();
        ArrowValue forgotten = put.get();
        put.get().close();
        assertEquals(1, kit.leaks().size());
        LeakError error = assertThrows(LeakError.class, kit::close);
        assertEquals(1, error.leaks().size());
        assertEquals("an ArrowValue that was read", error.leaks().get(0).what());
        assertTrue(error.leaks().get(0).stack().stream().anyMatch(frame -> frame.getMethodName()
                .equals("aTableThatIsNotClosedIsReportedWithTheStackOfItsReader")), error.getMessage());
        assertTrue(error.getMessage().contains("TestkitTest.java"), error.getMessage());
        forgotten.close();
    }

    static Tensor doubled(Tensor tensor) {
        double[] values = tensor.toDoubleArray();
        Arrays.setAll(values, index -> 2 * values[index]);
        return Tensor.of(values);
    }

    @Test
    void aTensorThatIsNotClosedIsReportedWithTheStackOfItsReader() {
        Testkit kit = Testkit.start();
        ObjectRef<Tensor> put = Bowstring.put(Tensor.of(1.0, 2.0));
        Tensor forgotten = put.get();
        put.get().close();
        Bowstring.put(List.of(Tensor.of(3.0))).get().get(0).close();
        LeakError error = assertThrows(LeakError.class, kit::close);
        assertEquals(1, error.leaks().size(), error.getMessage());
        assertEquals("a Tensor that was read", error.leaks().get(0).what());
        assertTrue(error.leaks().get(0).stack().stream().anyMatch(frame -> frame.getMethodName()
                .equals("aTensorThatIsNotClosedIsReportedWithTheStackOfItsReader")), error.getMessage());
        forgotten.close();
    }

    @Test
    void tensorsThatNobodyGotAreNoLeaks() {
        try (Testkit kit = Testkit.start()) {
            ObjectRef<Tensor> sums = Bowstring.task(TestkitTest::doubled, Tensor.of(1.0, 2.0)).remote();
            assertArrayEquals(new double[] {2.0, 4.0}, sums.as(double[].class).get());
            ObjectRef<List<Tensor>> rows = Bowstring.put(List.of(Tensor.of(1.0), Tensor.of(2.0)));
            assertEquals(2, rows.as(double[][].class).get()[1][0]);
            assertEquals(List.of(), kit.leaks());
        }
    }

    static ArrowValue closedTooEarly(ArrowValue table) {
        try (table) {
            return table;
        }
    }

    static long rows(ArrowValue table) {
        return table.rowCount();
    }

    @Test
    void aTableThatWasClosedIsNoArgumentAndNoResult() {
        try (Testkit kit = Testkit.start()) {
            ObjectRef<ArrowValue> put = table();
            ArrowValue closed = put.get();
            closed.close();
            for (Executable way : List.<Executable>of(
                    () -> Bowstring.put(closed),
                    () -> Bowstring.put(List.of(closed)),
                    () -> Bowstring.task(TestkitTest::rows, closed).remote(),
                    () -> {
                        try (ArrowArena arena = ArrowArena.allocate(1024)) {
                            arena.put(closed);
                        }
                    },
                    () -> Bowstring.task(TestkitTest::closedTooEarly, put).remote().get())) {
                BowstringException error = assertThrows(BowstringException.class, way);
                assertTrue(error.getMessage().contains("this table was closed"), error.getMessage());
            }
        }
    }

    @Test
    void memoryThatIsNeitherPutNorGivenBackIsReported() {
        Testkit kit = Testkit.start();
        TensorBuffer forgotten = TensorBuffer.allocate(ElementType.INT64, 4);
        TensorBuffer put = TensorBuffer.allocate(ElementType.INT64, 4);
        put.put();
        TensorBuffer.allocate(ElementType.INT64, 4).close();
        ArrowArena arena = ArrowArena.allocate(1024);
        assertEquals(List.of("a TensorBuffer", "memory for an ArrowValue that is built in place"),
                kit.leaks().stream().map(Leak::what).toList());
        arena.close();
        forgotten.close();
        kit.close();
    }

    @Test
    void aStreamThatIsLeftInTheMiddleIsReported() {
        Testkit kit = Testkit.start();
        ObjectStream<Integer> left = Bowstring.task(TestkitTest::numbers).stream(Integer.class);
        assertEquals(0, left.next().get());
        assertEquals("an ObjectStream that was not read to its end", kit.leaks().get(0).what());
        left.close();
        kit.close();
    }

    @Test
    void leaksNeedNotFailATest() {
        Testkit kit = Testkit.builder().setCheckLeaks(false).start();
        table().get();
        assertEquals(1, kit.leaks().size());
        kit.close();
    }

    @Test
    void closingEndsWhatRunsAndFailsWhatWaits() {
        Testkit kit = Testkit.builder().setNumCpus(1).start();
        ObjectRef<Integer> running = Bowstring.task(TestkitTest::waitForEver).remote();
        ObjectRef<Long> waiting = Bowstring.task(TestkitTest::square, 2L).remote();
        ActorHandle<Holder> holder = Bowstring.actor(Holder::new).remote();
        ObjectRef<Integer> held = holder.task(Holder::held).remote();
        kit.close();
        assertThrows(RuntimeStoppedException.class, running::get);
        assertThrows(RuntimeStoppedException.class, waiting::get);
        assertThrows(RuntimeStoppedException.class, held::get);
        assertTrue(Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("bowstring-task")));
    }

    @Test
    void aTaskThatDoesNotEndWhenItIsInterruptedIsReported() throws InterruptedException {
        Testkit kit = Testkit.builder().setPatience(Duration.ofMillis(50)).start();
        Bowstring.task(TestkitTest::deaf, true).remote();
        awaitRunning();
        LeakError error = assertThrows(LeakError.class, kit::close);
        assertTrue(error.getMessage().contains("TestkitTest.deaf"), error.getMessage());
        stopped = true;
    }

    private static void awaitRunning() throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (StateQuery.of(StateQuery.Kind.TASKS).where("state", StateQuery.Op.EQ, "RUNNING").rows().isEmpty()) {
            assertTrue(System.nanoTime() < deadline, "the task does not start");
            Thread.sleep(1);
        }
    }

    @Test
    void pythonIsRefusedWithTheReason() {
        try (Testkit kit = Testkit.start()) {
            CrossLanguageException error = assertThrows(CrossLanguageException.class,
                    () -> Bowstring.task(PyFunction.of("math", "sqrt", Double.class), 2.0).remote());
            assertTrue(error.getMessage().contains("the testkit runs Java alone"), error.getMessage());
            assertThrows(CrossLanguageException.class,
                    () -> Bowstring.actor(PyActorClass.of("shop.models", "Recommender")).remote());
        }
    }

    @Test
    void tasksTakeWhatTheySayAndGiveItBack() throws InterruptedException {
        try (Testkit kit = Testkit.builder().setNumCpus(2).setResource("licence", 1).start()) {
            assertEquals(Map.of("CPU", 2.0, "licence", 1.0), Bowstring.clusterResources());
            ObjectRef<Integer> holds = Bowstring.task(TestkitTest::waitForEver).setResource("licence", 0.5).remote();
            awaitRunning();
            assertEquals(Map.of("CPU", 1.0, "licence", 0.5), Bowstring.availableResources());
            Bowstring.cancel(holds);
            assertEquals(0, Bowstring.wait(List.of(holds), 1).unready().size());
            assertEquals(Bowstring.clusterResources(), Bowstring.availableResources());
        }
    }
}
