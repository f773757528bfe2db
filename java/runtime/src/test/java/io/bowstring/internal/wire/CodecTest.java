package io.bowstring.internal.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.bowstring.errors.ProtocolException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CodecTest {
    private record Golden(String table, byte[] bytes) {
        Table decode(byte[] data) throws ReflectiveOperationException {
            String name = table.equals("ObjectRef") ? "WireRef" : table.equals("ActorHandle") ? "WireHandle" : table;
            Class<?> kind = Class.forName("io.bowstring.internal.wire." + name);
            return (Table) kind.getMethod("decode", byte[].class).invoke(null, (Object) data);
        }
    }

    private static List<Golden> golden() throws IOException {
        try (InputStream in = CodecTest.class.getResourceAsStream("/golden.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines()
                    .map(line -> line.split(" "))
                    .map(parts -> new Golden(parts[0], HexFormat.of().parseHex(parts[1])))
                    .toList();
        }
    }

    @Test
    void writesEveryTableByteForByteAsPythonDoes() throws Exception {
        List<Golden> all = golden();
        assertEquals(true, all.size() > 150);
        for (Golden golden : all) {
            assertArrayEquals(golden.bytes, golden.decode(golden.bytes).encode(), golden.table);
        }
    }

    @Test
    void everyTruncatedMetadataIsAProtocolErrorOrATable() throws Exception {
        for (Golden golden : golden()) {
            for (int length = 0; length < golden.bytes.length; length += 3) {
                decodeOrProtocolError(golden, Arrays.copyOf(golden.bytes, length));
            }
        }
    }

    @Test
    void everyMutatedMetadataIsAProtocolErrorOrATable() throws Exception {
        Random random = new Random(1);
        for (Golden golden : golden()) {
            for (int round = 0; round < 200; round++) {
                byte[] data = golden.bytes.clone();
                for (int flip = 0; flip <= random.nextInt(4); flip++) {
                    data[random.nextInt(data.length)] = (byte) random.nextInt(256);
                }
                decodeOrProtocolError(golden, data);
            }
        }
    }

    private static void decodeOrProtocolError(Golden golden, byte[] data) throws ReflectiveOperationException {
        try {
            golden.decode(data);
        } catch (InvocationTargetException error) {
            assertEquals(ProtocolException.class, error.getCause().getClass(), () -> String.valueOf(error.getCause()));
        }
    }

    @Test
    void framesComeWholeHoweverTheirBytesArrive() {
        Task task = new Task();
        task.name = "a name";
        byte[] body = new byte[1 << 20];
        new Random(2).nextBytes(body);
        ByteBuffer stream = ByteBuffer.allocate(4 << 20);
        for (int i = 0; i < 3; i++) {
            stream.put(Frame.encode(task, ByteBuffer.wrap(body, 0, 300_000 * (i + 1))));
            stream.put(Frame.encode(new Recall()));
        }
        stream.flip();
        for (int step : new int[] {1 << 30, 100_003, 7_919}) {
            FrameParser parser = new FrameParser();
            parser.handshakeDone();
            int frames = 0;
            ByteBuffer input = stream.duplicate();
            while (input.hasRemaining()) {
                ByteBuffer space = parser.space();
                int count = Math.min(Math.min(step, space.remaining()), input.remaining());
                space.put(input.slice(input.position(), count));
                input.position(input.position() + count);
                for (Frame frame; (frame = parser.next()) != null; frames++) {
                    if (frames % 2 == 0) {
                        int size = 300_000 * (frames / 2 + 1);
                        assertEquals("a name", Task.decode(frame.metadata()).name);
                        assertArrayEquals(Arrays.copyOf(body, size), Arrays.copyOf(frame.body(), size));
                    } else {
                        assertEquals(FrameType.RECALL, frame.type());
                    }
                }
            }
            assertEquals(6, frames);
        }
    }

    @Test
    void aBadPrefixIsRefusedBeforeWhatFollowsIt() {
        byte[] good = Frame.encode(new Recall()).array();
        for (int[] change : new int[][] {{7, 0}, {6, 1}, {0, 1}, {3, 0x7f}, {15, 0x80}, {8, 4}}) {
            byte[] bad = Arrays.copyOf(good, Frame.PREFIX_SIZE);
            bad[change[0]] = (byte) change[1];
            FrameParser parser = new FrameParser();
            parser.handshakeDone();
            parser.space().put(bad);
            assertThrows(ProtocolException.class, parser::next, () -> Arrays.toString(change));
        }
    }

    @Test
    void aStrangerMaySendNoBody() {
        FrameParser parser = new FrameParser();
        parser.space().put(Frame.encode(new Recall(), new byte[8]));
        assertThrows(ProtocolException.class, parser::next);
    }
}
