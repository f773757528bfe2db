package io.bowstring.internal.value;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ElementType;
import io.bowstring.Tensor;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.SerializationException;
import io.bowstring.errors.TaskException;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class ValuesTest {
    private record FakeRef(WireRef ref) {}

    private static final References REFERENCES = new References() {
        @Override
        public WireRef refOf(Object value) {
            return value instanceof FakeRef fake ? fake.ref : null;
        }

        @Override
        public WireHandle handleOf(Object value) {
            return null;
        }

        @Override
        public Class<?> typeOf(Object reference) {
            return null;
        }

        @Override
        public Object readRef(WireRef ref, Class<?> type) {
            return new FakeRef(ref);
        }

        @Override
        public Object readHandle(WireHandle handle) {
            return handle;
        }
    };

    private static Object decode(Payload payload) {
        return Values.decode(payload, REFERENCES, ValuesTest.class.getClassLoader());
    }

    private static Object portable(Object value) {
        return decode(Values.encodePortable(value, REFERENCES).inline());
    }

    private static Payload image(EncodedValue value) {
        ByteBuffer target = ByteBuffer.allocateDirect((int) value.imageSize()).order(ByteOrder.LITTLE_ENDIAN);
        value.writeImage(target);
        return new Payload(value.encoding(), Layout.IMAGE, target.flip());
    }

    @Test
    void scalarsCrossAsTheTableOfTypesSays() {
        for (long value : new long[] {0, 1, -1, 127, 128, -32, -33, 255, 256, 65535, 65536, -128, -129, -32769,
            Integer.MAX_VALUE, 1L << 32, Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE}) {
            assertEquals(value, portable(value));
        }
        assertEquals(List.of(5L, 5L, 1.5, "x"), portable(List.of(5, (byte) 5, 1.5f, 'x')));
        assertEquals(Double.NaN, portable(Double.NaN));
        assertEquals(true, portable(true));
        assertEquals(null, portable(null));
        assertEquals("ä€😀", portable("ä€😀"));
        assertEquals("y".repeat(70_000), portable("y".repeat(70_000)));
        assertArrayEquals(new byte[] {1, 2}, (byte[]) portable(new byte[] {1, 2}));
        assertArrayEquals(new byte[9000], (byte[]) portable(new byte[9000]));
        Instant instant = Instant.ofEpochSecond(-5, 123_456_789);
        assertEquals(instant, portable(instant));
    }

    @Test
    void treesKeepTheirOrderAndLongListsTheirElements() {
        Map<Object, Object> map = new LinkedHashMap<>();
        map.put("z", Arrays.asList(1L, null, "two", List.of(3.0)));
        map.put(7L, Map.of("inner", true));
        assertEquals(map, portable(map));
        assertEquals(new ArrayList<>(map.keySet()), new ArrayList<>(((Map<?, ?>) portable(map)).keySet()));
        List<Long> many = LongStream.range(0, 5000).boxed().toList();
        assertEquals(many, portable(many));
        List<Object> mixed = new ArrayList<>(many);
        mixed.set(4000, "odd");
        assertEquals(mixed, portable(mixed));
        assertEquals(List.of(1L, 2L), portable(new Object[] {1, 2}));
    }

    @Test
    void whatDoesNotCrossIsRefusedByItsPath() {
        Map<String, Object> inner = new HashMap<>();
        inner.put("config", List.of(1, Thread.currentThread()));
        CrossLanguageException error =
                assertThrows(CrossLanguageException.class, () -> portable(Map.of("a b", inner)));
        assertTrue(error.getMessage().startsWith("$[\"a b\"].config[1]: "), error.getMessage());
        assertThrows(CrossLanguageException.class, () -> portable(List.of("\ud800")));
        assertThrows(CrossLanguageException.class, () -> portable(Collections.singletonMap(1.5, 1)));
        Object deep = 1;
        for (int i = 0; i < 256; i++) {
            deep = List.of(deep);
        }
        assertEquals(deep.toString(), portable(deep).toString().replace("1", "1"));
        Object deeper = List.of(deep);
        assertThrows(CrossLanguageException.class, () -> portable(deeper));
    }

    @Test
    void tensorsAreReadOnlyViewsOfTheImage() {
        Payload payload = image(Values.encode(new double[] {1, 2, 3}, REFERENCES));
        Tensor tensor = (Tensor) Values.decode(payload, REFERENCES, ValuesTest.class.getClassLoader(), Tensor.class);
        assertEquals(ElementType.FLOAT64, tensor.element());
        assertArrayEquals(new double[] {1, 2, 3}, tensor.toDoubleArray());
        assertThrows(ReadOnlyBufferException.class, () -> tensor.buffer().put(0, (byte) 1));
        Object tree = decode(image(Values.encodePortable(Map.of("w", new int[] {4, 5}), REFERENCES)));
        assertEquals(Tensor.of(4, 5), ((Map<?, ?>) tree).get("w"));
    }

    @Test
    void halvesAreReadAsFloats() {
        short[] bits = {0, (short) 0x8000, 0x3c00, (short) 0xc000, 0x7bff, 0x0001, 0x7c00, (short) 0xfc00, 0x7e00, 0x3555};
        ByteBuffer data = ByteBuffer.allocate(2 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
        data.asShortBuffer().put(bits);
        Tensor tensor = Tensor.of(ElementType.FLOAT16, new long[] {bits.length}, data);
        float[] expected = {0f, -0f, 1f, -2f, 65504f, 0x1p-24f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY,
            Float.NaN, 0.33325195f};
        assertArrayEquals(expected, tensor.toFloatArray());
        assertArrayEquals(expected, (float[]) Conversions.convert(tensor, float[].class));
        assertEquals(65504.0, tensor.getDouble(4));
    }

    @Test
    void tensorsFitEveryArrayThatHoldsTheirElementsWithoutLoss() {
        Tensor shorts = Tensor.of((short) -1, (short) 300);
        assertArrayEquals(new int[] {-1, 300}, (int[]) Conversions.convert(shorts, int[].class));
        assertArrayEquals(new long[] {-1, 300}, (long[]) Conversions.convert(shorts, long[].class));
        assertArrayEquals(new float[] {-1, 300}, (float[]) Conversions.convert(shorts, float[].class));
        assertArrayEquals(new double[] {-1, 300}, (double[]) Conversions.convert(shorts, double[].class));
        Tensor bytes = Tensor.of(ElementType.UINT8, new long[] {2}, ByteBuffer.wrap(new byte[] {-1, 1}));
        assertArrayEquals(new short[] {255, 1}, (short[]) Conversions.convert(bytes, short[].class));
        assertArrayEquals(new int[] {255, 1}, (int[]) Conversions.convert(bytes, int[].class));
        for (Object[] misfit : new Object[][] {
            {Tensor.of(1), float[].class}, {Tensor.of(1L), double[].class}, {Tensor.of(1), short[].class},
            {shorts, byte[].class}, {Tensor.of(1.0), float[].class}, {Tensor.of(1.0f), int[].class},
            {Tensor.of(true), int[].class}
        }) {
            assertThrows(InvalidArgumentException.class,
                    () -> Conversions.convert(misfit[0], (Class<?>) misfit[1]), () -> Arrays.toString(misfit));
        }
    }

    @Test
    void aTensorThatWasReadIsClosedAndOneThatWasMadeIsNot() {
        Tensor read = (Tensor) decode(image(Values.encode(Tensor.of(1.0, 2.0), REFERENCES)));
        read.close();
        read.close();
        assertThrows(InvalidArgumentException.class, read::buffer);
        assertThrows(InvalidArgumentException.class, () -> read.getDouble(0));
        Tensor made = Tensor.of(1.0);
        made.close();
        assertEquals(1.0, made.getDouble(0));
    }

    @Test
    void bytesAreReadAsAViewIfABufferIsWanted() {
        byte[] bytes = new byte[9000];
        bytes[5] = 7;
        Payload payload = image(Values.encode(bytes, REFERENCES));
        ByteBuffer view = (ByteBuffer) Values.decode(payload, REFERENCES, ValuesTest.class.getClassLoader(), ByteBuffer.class);
        assertEquals(7, view.get(5));
        assertThrows(ReadOnlyBufferException.class, () -> view.put(0, (byte) 1));
        Object converted = Conversions.convert(new byte[] {1}, ByteBuffer.allocateDirect(1).getClass());
        assertEquals(ByteBuffer.wrap(new byte[] {1}), converted);
        Object inside = portable(List.of(bytes));
        assertArrayEquals(bytes, (byte[]) ((List<?>) inside).get(0));
    }

    /** Memory of which only some pages are there, far apart. */
    private static final class Sparse implements ValueMemory, ValueBuffer.Pieces {
        private static final int PAGE = 1 << 16;

        private final long length;
        private final Map<Long, ByteBuffer> pages = new HashMap<>();
        private int shares;

        Sparse(long length) {
            this.length = length;
        }

        @Override
        public long length() {
            return length;
        }

        private ByteBuffer at(long offset, long size) {
            ByteBuffer page = pages.computeIfAbsent(offset / PAGE, key -> ByteBuffer.allocateDirect(2 * PAGE));
            return page.slice((int) (offset % PAGE), (int) size).order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public ByteBuffer piece(long at, long size) {
            return size > PAGE ? ByteBuffer.allocate((int) Math.min(size, PAGE)) : at(at, size);
        }

        @Override
        public ByteBuffer bytes(long offset, long size) {
            return at(offset, size);
        }

        @Override
        public ByteBuffer view(long offset, long size) {
            return at(offset, size);
        }

        @Override
        public Ones ones() {
            return Ones.NONE;
        }

        @Override
        public Range range(long offset, long size) {
            throw new AssertionError("no table is so large");
        }

        @Override
        public Runnable share() {
            shares++;
            return () -> shares--;
        }
    }

    /** Says that it is long, and writes nothing. */
    private record Gap(long length) implements ValueBuffer {
        @Override
        public void copyTo(ByteBuffer target) {}

        @Override
        public void copyTo(Pieces target, long at) {}
    }

    @Test
    void aValueOfMoreThanTwoGibibytesHasItsPartsByThemselves() {
        PortableWriter tree = new PortableWriter(REFERENCES);
        List<ValueBuffer> buffers = new ArrayList<>(
                tree.write(List.of(new double[] {1, 2}, new byte[5000]), Encoding.PORTABLE).buffers());
        buffers.add(1, new Gap(3L << 30)); // nobody names it, but what follows lies behind it
        ByteBuffer names = ByteBuffer.allocate((int) buffers.get(0).length());
        buffers.get(0).copyTo(names);
        names.put(5, (byte) 2).put(13, (byte) 3); // the numbers of the buffers
        buffers.set(0, ValueBuffer.of(names.flip()));
        EncodedValue value = new EncodedValue(Encoding.PORTABLE, buffers, List.of());
        assertTrue(value.imageSize() > 3L << 30);
        Sparse memory = new Sparse(value.imageSize());
        value.writeImage(memory);
        List<?> read = (List<?>) decode(Payload.stored(Encoding.PORTABLE, memory));
        assertArrayEquals(new double[] {1, 2}, ((Tensor) read.get(0)).toDoubleArray());
        assertEquals(5000, ((byte[]) read.get(1)).length);
        assertEquals(1, memory.shares);
        ((Tensor) read.get(0)).close();
        assertEquals(0, memory.shares);
    }

    @Test
    void javaValuesKeepTheirTypesAndCarryTensorsAndReferencesBeside() {
        FakeRef ref = new FakeRef(new WireRef(new byte[20], 0, 5, 6));
        EncodedValue value = Values.encode(new ArrayList<>(List.of(1, (short) 2, Tensor.of(1L, 2L), ref)), REFERENCES);
        assertEquals(Encoding.JAVA, value.encoding());
        assertEquals(List.of(ref), value.references());
        List<?> read = (List<?>) decode(image(value));
        assertEquals(List.of(1, (short) 2, Tensor.of(1L, 2L)), read.subList(0, 3));
        assertEquals(6, ((FakeRef) read.get(3)).ref.home());
        SerializationException error = assertThrows(
                SerializationException.class, () -> Values.encode(List.of(new Object()), REFERENCES));
        assertTrue(error.getMessage().contains("java.lang.Object"), error.getMessage());
    }

    private static Object through(Object value) {
        EncodedValue encoded = Values.encode(value, REFERENCES);
        assertTrue(encoded.encoding() != Encoding.JAVA, () -> "a " + value.getClass() + " only Java reads");
        return decode(encoded.inlineLayout() == Layout.COMPACT ? encoded.inline() : image(encoded));
    }

    @Test
    void valuesThatStandAloneKeepTheirClassInTheFormThatAllLanguagesRead() {
        long[] edges = {0, 1, -1, -32, -33, 127, -128, 128, 255, -129, Short.MAX_VALUE, Short.MIN_VALUE, 65_535, -32_769,
            Integer.MAX_VALUE, Integer.MIN_VALUE, 1L << 31, -(1L << 31) - 1, Long.MAX_VALUE, Long.MIN_VALUE};
        for (long edge : edges) {
            assertEquals((byte) edge, through((byte) edge));
            assertEquals((short) edge, through((short) edge));
            assertEquals((int) edge, through((int) edge));
            assertEquals(edge, through(edge));
        }
        for (Object value : new Object[] {1.5f, Float.NaN, Float.MIN_VALUE, 1.5, 'x', '\u20ac', '\0', "x", "", true}) {
            assertEquals(value, through(value));
        }
        for (Object array : new Object[] {new int[] {1, -2}, new long[] {3}, new short[0], new float[] {1.5f},
            new double[] {2}, new boolean[] {true, false}, new byte[] {1}, new byte[5000]}) {
            assertArrayEquals(new Object[] {array}, new Object[] {through(array)});
        }
        for (int length : new int[] {3, 5000}) {
            assertEquals(ByteBuffer.wrap(new byte[length]), through(ByteBuffer.wrap(new byte[length])));
        }
        assertEquals(Tensor.of(1, 2), through(Tensor.of(1, 2)));
    }

    @Test
    void whatIsWantedAsAnotherClassIsReadSo() {
        ClassLoader loader = ValuesTest.class.getClassLoader();
        Payload ints = image(Values.encode(new int[] {1, 2}, REFERENCES));
        assertEquals(Tensor.of(1, 2), Values.decode(ints, REFERENCES, loader, Tensor.class));
        assertArrayEquals(new int[] {1, 2}, (int[]) Values.decode(ints, REFERENCES, loader, Object.class));
        for (Object read : new Object[] {decode(ints), Values.decode(ints, REFERENCES, loader, long[].class)}) {
            assertArrayEquals(new long[] {1, 2}, (long[]) Conversions.convert(read, long[].class));
        }
        Payload buffer = Values.encode(ByteBuffer.wrap(new byte[] {7}), REFERENCES).inline();
        assertArrayEquals(new byte[] {7}, (byte[]) Conversions.convert(decode(buffer), byte[].class));
        assertEquals("x", Conversions.convert('x', String.class));
    }

    @Test
    void textThatIsNoUtf8IsForJavaAlone() {
        String lone = "a\ud800";
        assertEquals(lone, decode(Values.encode(lone, REFERENCES).inline()));
        assertEquals('\udc00', decode(Values.encode('\udc00', REFERENCES).inline()));
        CrossLanguageException error = assertThrows(
                CrossLanguageException.class, () -> Values.encodePortable(lone, REFERENCES));
        assertTrue(error.getMessage().contains("pass it as bytes"), error.getMessage());
    }

    @SuppressWarnings("unused")
    private static <T extends Number> void overloads(T bounded, Set<List<Short>> deep) {}

    @Test
    void overloadsAreRankedAsJavaDoes() throws NoSuchMethodException {
        Class<?>[] ranked = {int.class, long.class, double.class, Object.class, short.class};
        for (int at = 1; at < ranked.length; at++) {
            assertTrue(Conversions.distance(5, ranked[at - 1]) < Conversions.distance(5, ranked[at]), "" + ranked[at]);
        }
        var types = ValuesTest.class.getDeclaredMethod("overloads", Number.class, Set.class).getGenericParameterTypes();
        assertThrows(InvalidArgumentException.class, () -> Conversions.convert("x", types[0]));
        assertEquals(Set.of(List.of((short) 1)), Conversions.convert(List.of(List.of(1L)), types[1]));
        InvalidArgumentException error = assertThrows(
                InvalidArgumentException.class, () -> Conversions.convert(List.of(List.of(), List.of(1L, "x")), types[1]));
        assertTrue(error.getMessage().contains("[1]: [1]"), error.getMessage());
    }

    private static final class Desk implements Serializable {
        private final Map<String, Object> config;
        private final transient Object left = new Object();

        Desk(Map<String, Object> config) {
            this.config = config;
        }
    }

    private static String refusal(Object value) {
        return assertThrows(SerializationException.class, () -> Values.encodeArgument(value, 2, false, REFERENCES))
                .getMessage();
    }

    @Test
    void whatIsNotSerializableIsNamedByItsPath() {
        Map<String, Object> config = new HashMap<>();
        config.put("learning rate", new Object[] {1, new ArrayList<>(List.of("x", new Object()))});
        String message = refusal(new Desk(config));
        assertTrue(message.startsWith("$.args[2].config[\"learning rate\"][1][1]: an object of java.lang.Object, "), message);
        assertTrue(refusal(new Object()).startsWith("$.args[2]: an object of java.lang.Object"), message);
        Object[] inItself = new Object[2];
        inItself[0] = inItself;
        assertTrue(((Object[]) decode(Values.encode(inItself, REFERENCES).inline()))[0] instanceof Object[]);
        inItself[1] = Thread.currentThread();
        assertTrue(refusal(inItself).startsWith("$.args[2][1]: an object of java.lang.Thread"), refusal(inItself));
    }

    @Test
    void whatIsTooDeepIsRefusedWithItsDepth() {
        Object deep = 1;
        for (int level = 0; level < 100_000; level++) {
            deep = new ArrayList<>(Collections.singletonList(deep));
        }
        assertTrue(refusal(deep).startsWith("$.args[2]: nested 99999 levels deep, "), refusal(deep));
        Object tooDeep = deep;
        String crossing = assertThrows(CrossLanguageException.class, () -> portable(tooDeep)).getMessage();
        assertTrue(crossing.contains("256"), crossing);
        Exception caused = new IllegalStateException("first");
        for (int level = 0; level < 100_000; level++) {
            caused = new IllegalStateException("next", caused);
        }
        var record = ErrorRecords.ofUserCode(caused, "f", new byte[16], 1);
        assertTrue(record.traceback.contains("IllegalStateException: next"), "no traceback");
        assertTrue(record.traceback.contains("[cut: "), "no word of the cut");
        assertEquals(16, record.causes.size());
        assertThrows(TaskException.class, () -> decode(ErrorRecords.payload(record)));
    }

    @Test
    void errorsAreRaisedWhenRead() {
        var record = ErrorRecords.ofUserCode(new IllegalStateException("no"), "f", new byte[16], 1);
        TaskException error = assertThrows(TaskException.class, () -> decode(ErrorRecords.payload(record)));
        assertEquals("no", error.getCause().getMessage());
        assertTrue(error.getMessage().contains("java.lang.IllegalStateException: no"), error.getMessage());
    }

    @Test
    void brokenPayloadsAreErrorsOfTheRuntime() {
        Random random = new Random(3);
        List<Payload> whole = List.of(
                image(Values.encodePortable(Map.of("a", List.of(1, "b", new int[] {1})), REFERENCES)),
                image(Values.encode(new long[] {1, 2}, REFERENCES)),
                Values.encodePortable(List.of(1, 2.5, "x", Instant.EPOCH), REFERENCES).inline());
        for (Payload payload : whole) {
            for (int round = 0; round < 2000; round++) {
                ByteBuffer copy = ByteBuffer.allocate(payload.size()).order(ByteOrder.LITTLE_ENDIAN);
                copy.put(payload.data().duplicate()).flip();
                for (int flip = 0; flip <= random.nextInt(3); flip++) {
                    copy.put(random.nextInt(copy.capacity()), (byte) random.nextInt(256));
                }
                try {
                    decode(new Payload(payload.encoding(), payload.layout(), copy));
                } catch (BowstringException expected) {
                    assertTrue(expected.getMessage().length() > 5);
                }
            }
        }
    }

    @SuppressWarnings("unused")
    private static void takes(List<Integer> integers, Map<String, double[]> arrays) {}

    @Test
    void conversionsLoseNothing() throws NoSuchMethodException {
        assertEquals(5, Conversions.convert(5L, int.class));
        assertEquals(5.0, Conversions.convert(5L, double.class));
        assertEquals(1.5f, Conversions.convert(1.5, float.class));
        assertEquals('c', Conversions.convert("c", char.class));
        assertArrayEquals(new int[] {1, 2}, (int[]) Conversions.convert(List.of(1L, 2L), int[].class));
        assertArrayEquals(new double[] {1}, (double[]) Conversions.convert(Tensor.of(1.0), double[].class));
        for (Object[] misfit : new Object[][] {
            {1L << 40, int.class}, {300L, byte.class}, {0.1, float.class}, {(1L << 53) + 1, double.class},
            {null, int.class}, {"text", int.class}, {1.0, long.class}, {Tensor.of(1.0), int[].class}
        }) {
            assertThrows(InvalidArgumentException.class,
                    () -> Conversions.convert(misfit[0], (Class<?>) misfit[1]), () -> Arrays.toString(misfit));
        }
        var types = ValuesTest.class.getDeclaredMethod("takes", List.class, Map.class).getGenericParameterTypes();
        assertEquals(List.of(1, 2), Conversions.convert(List.of(1L, 2L), types[0]));
        Object arrays = Conversions.convert(Map.of("w", Tensor.of(2.5)), types[1]);
        assertArrayEquals(new double[] {2.5}, (double[]) ((Map<?, ?>) arrays).get("w"));
        InvalidArgumentException error = assertThrows(
                InvalidArgumentException.class, () -> Conversions.convert(List.of(1L, "x"), types[0]));
        assertTrue(error.getMessage().contains("[1]"), error.getMessage());
    }
}
