package io.bowstring.internal.arrow;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The class file of Arrow's {@code ArrowBuf} with the calls of {@link WriteGuard} in it.
 *
 * <p>What is inserted takes four bytes: a load of the buffer, and a static call. In front of a method that leaves
 * branches (which are relative) and the alignment of switches as they are; what names places in the code moves by four:
 * line numbers, exception handlers, and the first stack map frame, to which the others are relative. Names of local
 * variables, which only debuggers want, are left out of these methods.
 */
final class BufferClass {
    private static final int MAGIC = 0xcafebabe;
    private static final int INSERTED = 4;
    private static final int ALOAD_0 = 0x2a;
    private static final int ALOAD_3 = 0x2d;
    private static final int INVOKESTATIC = 0xb8;
    private static final int ARETURN = 0xb0;

    private static final String GUARD = WriteGuard.class.getName().replace('.', '/');
    private static final String BUFFER = "Lorg/apache/arrow/memory/ArrowBuf;";
    private static final String NIO = "Ljava/nio/ByteBuffer;";

    private final ByteBuffer in;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 16);
    private final DataOutputStream out = new DataOutputStream(bytes);
    private String[] names = {};
    private int check;
    private int view;
    private int guarded;
    private boolean viewGuarded;

    private BufferClass(byte[] original) {
        in = ByteBuffer.wrap(original);
    }

    /**
     * The class with its guard.
     *
     * @throws IllegalArgumentException if the class is not as it is known to be; it must be used as it is then
     */
    static byte[] guard(byte[] original) {
        BufferClass edited = new BufferClass(original);
        try {
            edited.edit();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (java.nio.BufferUnderflowException | IndexOutOfBoundsException error) {
            throw new IllegalArgumentException("the class file of Arrow's buffers is cut short", error);
        }
        if (edited.guarded == 0 || !edited.viewGuarded) {
            throw new IllegalArgumentException("this version of Arrow has other buffers than are known");
        }
        return edited.bytes.toByteArray();
    }

    private void edit() throws IOException {
        if (in.getInt() != MAGIC) {
            throw new IllegalArgumentException("no class file");
        }
        in.rewind();
        copy(8);
        constants();
        copy(6);
        copy(2 * copyShort());
        for (int fields = copyShort(); fields > 0; fields--) {
            copy(6);
            attributes();
        }
        for (int methods = copyShort(); methods > 0; methods--) {
            method();
        }
        copy(in.remaining());
    }

    // Constants ------------------------------------------------------------------------------------------------------

    private void constants() throws IOException {
        int count = Short.toUnsignedInt(in.getShort());
        names = new String[count];
        out.writeShort(count + 10);
        for (int index = 1; index < count; index++) {
            int tag = in.get(in.position());
            switch (tag) {
                case 1 -> {
                    int length = Short.toUnsignedInt(in.getShort(in.position() + 1));
                    names[index] = new String(in.array(), in.position() + 3, length, StandardCharsets.UTF_8);
                    copy(3 + length);
                }
                case 5, 6 -> {
                    copy(9);
                    index++; // long and double take two places
                }
                case 7, 8, 16, 19, 20 -> copy(3);
                case 15 -> copy(4);
                case 3, 4, 9, 10, 11, 12, 17, 18 -> copy(5);
                default -> throw new IllegalArgumentException("a constant of the unknown kind " + tag);
            }
        }
        name(GUARD);
        out.writeByte(7);
        out.writeShort(count);
        check = call(count + 2, count + 1, "check", "(" + BUFFER + ")V");
        view = call(count + 6, count + 1, "view", "(" + NIO + BUFFER + ")" + NIO);
    }

    private void name(String text) throws IOException {
        out.writeByte(1);
        out.writeUTF(text);
    }

    /** Writes name, descriptor, their pair and the method, from the given number on; returns the method's number. */
    private int call(int at, int owner, String name, String descriptor) throws IOException {
        name(name);
        name(descriptor);
        out.writeByte(12);
        out.writeShort(at);
        out.writeShort(at + 1);
        out.writeByte(10);
        out.writeShort(owner);
        out.writeShort(at + 2);
        return at + 3;
    }

    // Methods --------------------------------------------------------------------------------------------------------

    private void method() throws IOException {
        copy(2);
        String name = names[copyShort()];
        String descriptor = names[copyShort()];
        boolean writes = (name.startsWith("set") || name.startsWith("write") && descriptor.endsWith(")V"))
                && !descriptor.startsWith("()");
        boolean writesIntoOther = name.equals("getBytes") && descriptor.startsWith("(J" + BUFFER);
        boolean views = name.equals("getDirectBuffer") && descriptor.endsWith(NIO);
        for (int count = copyShort(); count > 0; count--) {
            if ((writes || writesIntoOther || views) && "Code".equals(names[in.getShort(in.position())])) {
                code(views, writesIntoOther ? ALOAD_3 : ALOAD_0);
            } else {
                attribute();
            }
        }
    }

    private void code(boolean views, int load) throws IOException {
        copy(2);
        in.getInt(); // the length, which is written anew
        int stack = in.getShort();
        int locals = in.getShort();
        byte[] code = new byte[in.getInt()];
        in.get(code);
        int shift = views ? 0 : INSERTED;
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        DataOutputStream tail = new DataOutputStream(rest);
        int handlers = in.getShort();
        tail.writeShort(handlers);
        for (int i = 0; i < handlers; i++) {
            for (int place = 0; place < 3; place++) {
                tail.writeShort(in.getShort() + shift);
            }
            tail.writeShort(in.getShort());
        }
        boolean branches = codeAttributes(tail, shift);
        out.writeInt(2 + 2 + 4 + code.length + INSERTED + rest.size());
        out.writeShort(Math.max(stack, views ? 2 : 1));
        out.writeShort(locals);
        out.writeInt(code.length + INSERTED);
        int at = views ? code.length - 1 : 0;
        if (views && (branches || (code[at] & 0xff) != ARETURN)) {
            throw new IllegalArgumentException("Arrow's buffers make views in another way than is known");
        }
        out.write(code, 0, at);
        out.writeByte(load);
        out.writeByte(INVOKESTATIC);
        out.writeShort(views ? view : check);
        out.write(code, at, code.length - at);
        rest.writeTo(out);
        viewGuarded |= views;
        guarded += views ? 0 : 1;
    }

    /** Copies what is known to be about places in the code, moved; returns whether the code has branches. */
    private boolean codeAttributes(DataOutputStream to, int shift) throws IOException {
        boolean branches = false;
        int kept = 0;
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        DataOutputStream each = new DataOutputStream(all);
        for (int count = in.getShort(); count > 0; count--) {
            int name = in.getShort();
            byte[] content = new byte[in.getInt()];
            in.get(content);
            if (names[name].equals("LineNumberTable")) {
                ByteBuffer lines = ByteBuffer.wrap(content);
                for (int at = 2; at < content.length; at += 4) {
                    int start = lines.getShort(at);
                    lines.putShort(at, (short) (start == 0 ? 0 : start + shift));
                }
            } else if (names[name].equals("StackMapTable")) {
                branches = true;
                content = moveFirstFrame(content, shift);
            } else {
                continue;
            }
            kept++;
            each.writeShort(name);
            each.writeInt(content.length);
            each.write(content);
        }
        to.writeShort(kept);
        all.writeTo(to);
        return branches;
    }

    private static byte[] moveFirstFrame(byte[] frames, int shift) {
        int tag = frames[2] & 0xff;
        if (tag >= 247) { // the distance stands behind the tag
            ByteBuffer moved = ByteBuffer.wrap(frames);
            moved.putShort(3, (short) (moved.getShort(3) + shift));
            return frames;
        }
        boolean item = tag >= 64; // one item on the stack; the distance is in the tag
        int distance = (item ? tag - 64 : tag) + shift;
        if (distance < 64) {
            frames[2] += (byte) shift;
            return frames;
        }
        return ByteBuffer.allocate(frames.length + 2)
                .put(frames, 0, 2)
                .put((byte) (item ? 247 : 251))
                .putShort((short) distance)
                .put(frames, 3, frames.length - 3)
                .array();
    }

    // Copying --------------------------------------------------------------------------------------------------------

    private void attributes() throws IOException {
        for (int count = copyShort(); count > 0; count--) {
            attribute();
        }
    }

    private void attribute() throws IOException {
        copy(2);
        int length = in.getInt(in.position());
        copy(4 + length);
    }

    private int copyShort() throws IOException {
        int value = Short.toUnsignedInt(in.getShort(in.position()));
        copy(2);
        return value;
    }

    private void copy(int count) throws IOException {
        if (count > in.remaining()) {
            throw new java.nio.BufferUnderflowException();
        }
        out.write(in.array(), in.position(), count);
        in.position(in.position() + count);
    }
}
