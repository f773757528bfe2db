package io.bowstring.internal.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.bowstring.internal.function.FunctionDescriptor;
import org.junit.jupiter.api.Test;

class LanguageTest {
    @Test
    void theApiNamesLanguagesByTheSchemasNumbers() {
        assertEquals(Language.PYTHON, FunctionDescriptor.PYTHON);
        assertEquals(Language.JAVA, FunctionDescriptor.JAVA);
    }
}
