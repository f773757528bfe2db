package io.bowstring.internal.value;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;

/**
 * The tables inside a value that is being read. Each holds memory from when it is read until it is closed, and nobody else
 * can close them if the rest of the value can't be read.
 */
final class InnerTables {
    private static final Logger LOGGER = System.getLogger(InnerTables.class.getName());

    private final List<Object> read = new ArrayList<>(0);

    Object keep(Object table) {
        read.add(table);
        return table;
    }

    /** Called if nobody is going to get the value. */
    void close() {
        for (Object table : read) {
            try {
                ((AutoCloseable) table).close();
            } catch (Exception error) {
                LOGGER.log(Level.WARNING, "a table of a value that can't be read was not closed", error);
            }
        }
        read.clear();
    }
}
