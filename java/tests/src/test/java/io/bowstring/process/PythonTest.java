package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.ElementType;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.PyActorClass;
import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;
import io.bowstring.PyFunction;
import io.bowstring.Tensor;
import io.bowstring.TensorBuffer;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import io.bowstring.arrow.ReadOnlyTableException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PythonTest {
    private static final String PEER = "java_test_peer";
    private static final PyFunction<Object> ECHO = PyFunction.of(PEER, "echo", Object.class);
    private static Bowstring.Runtime runtime;

    @BeforeAll
    static void start() throws URISyntaxException {
        String folder = Path.of(PythonTest.class.getResource("/python/java_test_peer.py").toURI()).getParent().toString();
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).setPythonPath(List.of(folder)).build());
    }

    @AfterAll
    static void end() {
        runtime.close();
    }

    @Test
    void aPythonFunctionRunsAsATask() {
        assertEquals(3, Bowstring.task(PyFunction.of(PEER, "add", Integer.class), 1, 2).remote().get());
        assertEquals("ab", Bowstring.task(PyFunction.of(PEER, "add", String.class), "a", "b").remote().get());
        assertEquals(2.0, Bowstring.task(PyFunction.of("math", "sqrt", Double.class), 4).remote().get());
    }

    /** A reference whose value Python makes. */
    public static ObjectRef<Integer> sumInPython(int a, int b) {
        return Bowstring.task(PyFunction.of(PEER, "add", Integer.class), a, b).remote();
    }

    @Test
    void aReferenceToAValueOfPythonsIsReadAsDeclared() {
        Integer sum = Bowstring.task(PythonTest::sumInPython, 1, 2).remote().get().get();
        assertEquals(3, sum);
    }

    @Test
    void pythonReadsWhatJavaMarksForItself() {
        PyFunction<String> describe = PyFunction.of(PEER, "describe", String.class);
        PyFunction<String> text = PyFunction.of("builtins", "repr", String.class);
        for (Object value : List.of((byte) 5, (short) -200, -70_000, 5L)) {
            assertEquals("int", Bowstring.task(describe, value).remote().get());
            assertEquals(value.toString(), Bowstring.task(text, Bowstring.put(value)).remote().get());
        }
        assertEquals("1.5", Bowstring.task(text, Bowstring.put(1.5f)).remote().get());
        assertEquals("'x'", Bowstring.task(text, Bowstring.put('x')).remote().get());
        assertEquals("b'ab'", Bowstring.task(text, ByteBuffer.wrap(new byte[] {'a', 'b'})).remote().get());
        assertEquals("ndarray", Bowstring.task(describe, Bowstring.put(new int[] {1})).remote().get());
        CrossLanguageException error = assertThrows(CrossLanguageException.class,
                () -> Bowstring.task(describe, Bowstring.put("lone \ud800")).remote().get());
        assertTrue(error.getMessage().contains("pass it as bytes"), error.getMessage());
    }

    @Test
    void aHandleOfTheOtherLanguageSaysWhatItIs() {
        PyActorHandle python = Bowstring.actor(PyActorClass.of(PEER, "Counter"), 1).setName("of python").remote();
        ActorHandle<Counter> java = Bowstring.actor(Counter::new, 1).setName("of java").remote();
        ClassCastException wrong = assertThrows(ClassCastException.class, () -> {
            PyActorHandle handle = Bowstring.getActor("of java");
            handle.kill();
        });
        assertTrue(wrong.getMessage().contains("OfJavaActor cannot be cast to class io.bowstring.PyActorHandle"),
                wrong.getMessage());
        wrong = assertThrows(ClassCastException.class, () -> {
            ActorHandle<Counter> handle = Bowstring.getActor("of python");
            handle.kill();
        });
        assertTrue(wrong.getMessage().contains("OfPythonActor cannot be cast to class io.bowstring.ActorHandle"),
                wrong.getMessage());
        assertEquals(python, Bowstring.getActor("of python"));
        assertEquals(java, Bowstring.getActor("of java"));
    }

    @Test
    void valuesOfTheTableCrossBothWays() {
        for (Object value : Arrays.asList(null, true, 5L, 2.5, "text", Instant.ofEpochSecond(1, 5000),
                List.of(1L, "a", List.of(2.5)), Map.of("k", List.of(1L)))) {
            assertEquals(value, Bowstring.task(ECHO, value).remote().get());
        }
        assertArrayEquals(new byte[5000], (byte[]) Bowstring.task(ECHO, new byte[5000]).remote().get());
        assertEquals("ndarray", Bowstring.task(PyFunction.of(PEER, "describe", String.class), new int[] {1})
                .remote().get());
        double[] ramp = Bowstring.task(PyFunction.of(PEER, "ramp", double[].class), 300_000).remote().get();
        assertEquals(299_999.0, ramp[299_999]);
        Tensor tensor = Bowstring.task(PyFunction.of(PEER, "ramp", Tensor.class), 300_000).remote().get();
        assertTrue(tensor.buffer().isDirect(), "a large tensor is a view of the store");
        assertEquals(5.0, tensor.getDouble(5));
    }

    @Test
    void javaValuesThatOnlyJavaReadsAreTranscodedForPython() {
        ObjectRef<List<Integer>> list = Bowstring.put(List.of(1, 2, 3));
        assertEquals(List.of(1L, 2L, 3L), Bowstring.task(ECHO, list).remote().get());
    }

    @Test
    void whatDoesNotCrossIsRefusedByItsPath() {
        CrossLanguageException here = assertThrows(CrossLanguageException.class,
                () -> Bowstring.task(ECHO, Map.of("config", Thread.currentThread())).remote());
        assertTrue(here.getMessage().contains("$.args[0].config"), here.getMessage());
        CrossLanguageException there = assertThrows(CrossLanguageException.class,
                () -> Bowstring.task(PyFunction.of(PEER, "unportable", Object.class)).remote().get());
        assertTrue(there.getMessage().contains(".config[1]"), there.getMessage());
    }

    @Test
    void aPythonErrorShowsItsTraceback() {
        TaskException error = assertThrows(TaskException.class,
                () -> Bowstring.task(PyFunction.of(PEER, "fail", Object.class), "from python").remote().get());
        assertTrue(error.getMessage().contains("ValueError"), error.getMessage());
        assertTrue(error.getMessage().contains("from python"), error.getMessage());
        assertTrue(error.getMessage().contains("java_test_peer.py"), error.getMessage());
    }

    @Test
    void aPythonClassIsAnActorAndHandlesCross() {
        PyActorHandle counter = Bowstring.actor(PyActorClass.of(PEER, "Counter"), 5).remote();
        PyActorMethod<Integer> add = PyActorMethod.of("add", Integer.class);
        assertEquals(6, counter.task(add, 1).remote().get());
        assertEquals(8, counter.task(add, 2).remote().get());
        ActorHandle<Counter> mine = Bowstring.actor(Counter::new, 100).remote();
        assertEquals(110, counter.task(PyActorMethod.of("call_back", Integer.class), mine).remote().get());
        assertEquals(111, mine.task(Counter::add, 1).remote().get());
    }

    @Test
    void anArrowTableFromPythonIsReadInPlace() {
        ObjectRef<ArrowValue> ref = Bowstring.task(PyFunction.of(PEER, "table", ArrowValue.class), 200_000).remote();
        try (ArrowValue table = ref.get()) {
            assertEquals(200_000, table.rowCount());
            long sum = 0;
            for (VectorSchemaRoot batch : table.batches()) {
                BigIntVector ids = (BigIntVector) batch.getVector("id");
                for (int row = 0; row < batch.getRowCount(); row++) {
                    sum += ids.get(row);
                }
            }
            assertEquals(199_999L * 100_000, sum);
            VectorSchemaRoot first = table.batches().get(0);
            VarCharVector names = (VarCharVector) first.getVector("name");
            assertTrue(names.isNull(0));
            assertEquals("n1", names.getObject(1).toString());
            FieldVector kinds = first.getVector("kind");
            long id = kinds.getField().getDictionary().getId();
            try (var decoded = DictionaryEncoder.decode(kinds, table.dictionaries().lookup(id))) {
                assertEquals("k3", decoded.getObject(3).toString());
            }
            BigIntVector ids = (BigIntVector) first.getVector("id");
            assertThrows(ReadOnlyTableException.class, () -> ids.set(0, -1));
            assertThrows(ReadOnlyTableException.class, () -> ids.getDataBuffer().setLong(0, -1));
        }
        try (ArrowValue again = ref.get()) {
            assertEquals(0, ((BigIntVector) again.batches().get(0).getVector("id")).get(0));
            assertEquals(199_999L * 100_000,
                    Bowstring.task(PyFunction.of(PEER, "column_sum", Long.class), ref, "id").remote().get());
        }
    }

    @Test
    void aTensorBuiltInTheStoreIsPutWithoutACopy() {
        ObjectRef<Tensor> ref;
        try (TensorBuffer memory = TensorBuffer.allocate(ElementType.FLOAT64, 300, 1000)) {
            for (int i = 0; i < 300_000; i++) {
                memory.buffer().putDouble(8 * i, i);
            }
            ref = memory.put();
            assertTrue(memory.buffer().isReadOnly());
            assertThrows(InvalidArgumentException.class, memory::put);
        }
        Tensor tensor = ref.get();
        assertArrayEquals(new long[] {300, 1000}, tensor.shape());
        assertEquals(299_999.0, tensor.getDouble(299_999));
        Tensor back = (Tensor) Bowstring.task(ECHO, ref).remote().get();
        assertEquals(tensor, back);
        assertThrows(InvalidArgumentException.class, () -> TensorBuffer.allocate(ElementType.INT8, 1L << 40));
    }

    @Test
    void aTableBuiltInTheStoreIsPutWithoutACopy() {
        int rows = 300_000;
        ObjectRef<ArrowValue> ref;
        try (ArrowArena arena = ArrowArena.allocate(16L << 20);
                BigIntVector numbers = new BigIntVector("n", arena.allocator());
                VarCharVector words = new VarCharVector("w", arena.allocator())) {
            numbers.allocateNew(rows);
            words.allocateNew(6L * rows, rows);
            for (int i = 0; i < rows; i++) {
                numbers.set(i, i);
                if (i % 3 != 0) {
                    words.set(i, ("w" + i % 1000).getBytes(StandardCharsets.UTF_8));
                }
            }
            numbers.setValueCount(rows);
            words.setValueCount(rows);
            ref = arena.put(VectorSchemaRoot.of(numbers, words));
            assertThrows(OutOfMemoryException.class, () -> arena.allocator().buffer(10));
            assertEquals(0, arena.bytesCopied());
            assertEquals(299_999, numbers.get(299_999));
        }
        assertEquals((long) rows * (rows - 1) / 2,
                Bowstring.task(PyFunction.of(PEER, "column_sum", Long.class), ref, "n").remote().get());
        try (ArrowValue table = ref.get()) {
            VarCharVector words = (VarCharVector) table.root().getVector("w");
            assertTrue(words.isNull(3));
            assertEquals("w402", words.getObject(1402).toString());
        }
        try (ArrowArena unused = ArrowArena.allocate(1000)) {
            assertThrows(OutOfMemoryException.class, () -> unused.allocator().buffer(5000));
        }
    }

    @Test
    void anArrowTableFromJavaIsReadInPython() {
        try (BufferAllocator allocator = new RootAllocator();
                BigIntVector numbers = new BigIntVector("n", allocator);
                VarCharVector words = new VarCharVector("w", allocator)) {
            for (int rows : new int[] {10, 100_000}) {
                numbers.allocateNew(rows);
                words.allocateNew();
                for (int i = 0; i < rows; i++) {
                    numbers.setSafe(i, i);
                    if (i % 2 == 0) {
                        words.setSafe(i, ("w" + i).getBytes(StandardCharsets.UTF_8));
                    }
                }
                VectorSchemaRoot root = VectorSchemaRoot.of(numbers, words);
                words.setValueCount(rows);
                numbers.setValueCount(rows);
                root.setRowCount(rows);
                ObjectRef<ArrowValue> ref = Bowstring.put(ArrowValue.of(root));
                assertEquals((long) rows * (rows - 1) / 2,
                        Bowstring.task(PyFunction.of(PEER, "column_sum", Long.class), ref, "n").remote().get());
                assertEquals("n: int64\nw: string", Bowstring.task(
                        PyFunction.of(PEER, "schema_of", String.class), ref).remote().get());
                ArrowValue back = assertInstanceOf(ArrowValue.class, Bowstring.task(ECHO, ref).remote().get());
                try (back) {
                    assertEquals(rows, back.rowCount());
                    assertEquals("w8", ((VarCharVector) back.root().getVector("w")).getObject(8).toString());
                }
            }
        }
    }

    @Test
    void aFunctionIsTriedAgainAfterTheExceptionsThatAreNamed(@TempDir Path folder) {
        PyFunction<Long> failing = PyFunction.of(PEER, "failing", Long.class);
        String marks = folder.resolve("marks").toString();
        assertEquals(3, Bowstring.task(failing, marks, 2).setRetryOn("ValueError").remote().get());
    }
}
