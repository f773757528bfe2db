package io.bowstring.internal.worker;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.Tensor;
import io.bowstring.errors.InvalidArgumentException;
import java.util.List;
import org.junit.jupiter.api.Test;

class InvocationTest {
    static int count(String name, int... values) {
        return name.length() + values.length;
    }

    static int first(int[] values) {
        return values[0];
    }

    static long first(Tensor values, long factor) {
        return values.getLong(0) * factor;
    }

    static long first(Object value, long factor) {
        return factor;
    }

    private static Invocation of(String method) {
        return Invocation.ofStatic(InvocationTest.class, method, "");
    }

    private static String refusal(String method, Object... arguments) {
        return assertThrows(InvalidArgumentException.class, () -> of(method).prepare(List.of(arguments))).getMessage();
    }

    @Test
    void variableArgumentsAreOneList() throws Throwable {
        assertEquals(3, of("count").prepare(List.of("a", List.of(1L, 2L))).call(null));
        String advice = "its last parameter is int..., which takes one list or array of all of them";
        assertTrue(refusal("count", "a", 1L, 2L).contains(advice), refusal("count", "a", 1L, 2L));
        assertTrue(refusal("count", "a", 1L).contains(advice), refusal("count", "a", 1L));
        assertTrue(!refusal("count", 1L, List.of()).contains(advice), refusal("count", 1L, List.of()));
    }

    @Test
    void anArrayThatWouldLoseSomethingIsNamedByItsElements() {
        String message = refusal("first", Tensor.of(1L, 2L));
        assertTrue(message.contains("a tensor of INT64 and shape [2] does not fit int[] without loss"), message);
        assertTrue(refusal("first", new long[1]).contains("the array long[] does not fit int[]"), message);
    }

    @Test
    void elementsAreReadAsWhatEveryCandidateDeclares() throws Throwable {
        assertEquals(int[].class, of("first").elementsAt(0, 1));
        assertEquals(null, of("first").elementsAt(0, 2));
        assertEquals(10L, of("first").prepare(List.of(Tensor.of(5L), 2L)).call(null));
        assertArrayEquals(new Object[] {new int[] {3}}, of("first").prepare(List.of(List.of(3L))).arguments());
    }
}
