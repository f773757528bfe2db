package io.bowstring.internal.value;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.errors.SerializationException;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** This artifact's tests have no Arrow on their class path. */
class TableFormatTest {
    @Test
    void withoutArrowATableSaysWhatToAdd() {
        TableFormat.FOUND.guard();
        assertNull(TableFormat.FOUND.tableOf(List.of(1)));
        SerializationException error = assertThrows(SerializationException.class,
                () -> TableFormat.FOUND.read(ByteBuffer.allocate(8), false, Ones.NONE, () -> {}));
        assertTrue(error.getMessage().contains("io.bowstring:bowstring-arrow"), error.getMessage());
        assertEquals(error.getMessage(),
                assertThrows(SerializationException.class, () -> TableFormat.FOUND.arena(64)).getMessage());
    }
}
