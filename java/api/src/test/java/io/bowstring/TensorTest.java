package io.bowstring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class TensorTest {
    @Test
    void anElementThatIsNotThereIsNamed() {
        Tensor tensor = Tensor.of(1L, 2L, 3L);
        for (int index : new int[] {-1, 3, Integer.MAX_VALUE, 1 << 29}) {
            String message = "the element " + index + " of a tensor of 3 elements, of shape [3]";
            assertEquals(message,
                    assertThrows(IndexOutOfBoundsException.class, () -> tensor.getLong(index)).getMessage());
            assertEquals(message,
                    assertThrows(IndexOutOfBoundsException.class, () -> tensor.getDouble(index)).getMessage());
        }
    }

    @Test
    void theElementsThatAreThereAreGiven() {
        assertEquals(3, Tensor.of(1L, 2L, 3L).getLong(2));
        assertEquals(2.5, Tensor.of(2.5).getDouble(0));
    }
}
