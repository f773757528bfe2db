package io.bowstring.internal.function;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What a function's key stands for (spec section 2.3): one that is found by name, in Java or in another language.
 *
 * @param language number of the language that runs it
 * @param module Python: module; Java: binary name of the class
 * @param name Python: qualified name; Java: the method, or empty for the class itself
 * @param signature Java: descriptor of the method; empty: the only one of that name
 * @param key the hash of the above
 */
public record FunctionDescriptor(int language, String module, String name, String signature, byte[] key) {

    /** Numbers of languages (spec section 2.3). */
    public static final int PYTHON = 1;

    public static final int JAVA = 2;

    public static FunctionDescriptor of(int language, String module, String name, String signature) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(language);
        for (String part : new String[] {module, name, signature, ""}) {
            byte[] utf8 = part.getBytes(StandardCharsets.UTF_8);
            bytes.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(utf8.length).array());
            bytes.writeBytes(utf8);
        }
        return new FunctionDescriptor(language, module, name, signature, Blake2b.hash(bytes.toByteArray()));
    }

    /** The name for people: class and method, or module and name. */
    public String displayName() {
        return name.isEmpty() ? module : module.substring(module.lastIndexOf('.') + 1) + "." + name;
    }
}
