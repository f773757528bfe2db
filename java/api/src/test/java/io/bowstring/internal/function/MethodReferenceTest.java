package io.bowstring.internal.function;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.Functions.Func0;
import io.bowstring.Functions.Func1;
import io.bowstring.Functions.Func2;
import io.bowstring.Functions.Proc1;
import io.bowstring.ObjectRef;
import io.bowstring.errors.InvalidArgumentException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class MethodReferenceTest {
    private static int twice(int value) {
        return 2 * value;
    }

    private void instance() {}

    @Test
    void aStaticMethodIsNamedByClassNameAndDescriptor() {
        Func1<Integer, Integer> function = MethodReferenceTest::twice;
        MethodReference method = MethodReference.of(function);
        assertEquals(MethodReferenceTest.class.getName(), method.className());
        assertEquals("twice", method.methodName());
        assertEquals("(I)I", method.descriptor());
        assertEquals(int.class, method.resultType());
        assertTrue(method.isStatic());
        assertEquals("twice", method.descriptorOf().name());
    }

    private static ObjectRef<List<Integer>> later() {
        throw new IllegalStateException("no task");
    }

    @Test
    void theResultIsAsGenericAsItIsDeclared() {
        Func0<ObjectRef<List<Integer>>> function = MethodReferenceTest::later;
        assertEquals("io.bowstring.ObjectRef<java.util.List<java.lang.Integer>>",
                MethodReference.of(function).resultType().getTypeName());
    }

    @Test
    void constructorsAndInstanceMethodsAreTold() {
        Func1<String, StringBuilder> constructor = StringBuilder::new;
        assertEquals("<init>", MethodReference.of(constructor).methodName());
        assertEquals("", MethodReference.of(constructor).descriptorOf().name());
        Proc1<MethodReferenceTest> method = MethodReferenceTest::instance;
        assertFalse(MethodReference.of(method).isStatic());
        Func2<String, String, Boolean> library = String::startsWith;
        assertEquals("(Ljava/lang/String;)Z", MethodReference.of(library).descriptor());
    }

    @Test
    void lambdasAndCapturesAreRefusedWithAdvice() {
        int captured = hashCode();
        Func0<Integer> capturing = () -> captured;
        Func0<Integer> lambda = () -> 1;
        Func0<Integer> bound = "text"::length;
        for (Func0<Integer> function : List.of(capturing, lambda)) {
            InvalidArgumentException error =
                    assertThrows(InvalidArgumentException.class, () -> MethodReference.of(function));
            assertTrue(error.getMessage().contains("Foo::bar"), error.getMessage());
        }
        assertTrue(assertThrows(InvalidArgumentException.class, () -> MethodReference.of(bound))
                .getMessage().contains("captures"));
    }

    private static int many(int... values) {
        return values.length;
    }

    @Test
    void whatIsNoReferenceToAMethodIsSaid() {
        Func1<Integer, Integer> variable = MethodReferenceTest::many;
        assertTrue(assertThrows(InvalidArgumentException.class, () -> MethodReference.of(variable))
                .getMessage().contains("variable arguments"));
        assertTrue(assertThrows(InvalidArgumentException.class, () -> MethodReference.of(null))
                .getMessage().contains("the method reference is null"));
    }

    @Test
    void keysAreBlake2bAsInEveryLanguage() {
        assertEquals("cae66941d9efbd404e4d88758ea67670", HexFormat.of().formatHex(Blake2b.hash(new byte[0])));
        assertEquals("cf4ab791c62b8d2b2109c90275287816",
                HexFormat.of().formatHex(Blake2b.hash("abc".getBytes(StandardCharsets.US_ASCII))));
        assertEquals("40d697295c01d2312035c1fa7d884b8d", HexFormat.of().formatHex(Blake2b.hash(new byte[128])));
        FunctionDescriptor function = FunctionDescriptor.of(FunctionDescriptor.PYTHON, "math", "sqrt", "");
        assertEquals("", function.signature());
        assertEquals(16, function.key().length);
    }
}
