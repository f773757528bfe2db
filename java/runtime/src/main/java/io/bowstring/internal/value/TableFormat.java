package io.bowstring.internal.value;

import io.bowstring.errors.SerializationException;
import java.nio.ByteBuffer;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/**
 * Arrow tables as values (spec section 3.5). The runtime knows their bytes, and leaves what they are in Java to another
 * artifact, so that programs without tables need no Arrow: {@link #FOUND} is that artifact's, or one that knows no table
 * and says what to install when one comes.
 *
 * <p>It is looked for when it is first needed, which drivers and workers let happen beside what they wait for anyway.
 */
public interface TableFormat {
    /** The one of this process. */
    TableFormat FOUND = ServiceLoader.load(TableFormat.class, TableFormat.class.getClassLoader())
            .findFirst()
            .orElseGet(NoTables::new);

    /** Makes sure that tables which were read refuse writes, where that can be had. */
    void guard();

    /** The table's stream, ready to be written; null: the value is no table. */
    @Nullable Table tableOf(Object value);

    /**
     * Reads a stream where it lies.
     *
     * @param memory the stream, which the table keeps
     * @param singleBatch whether it is a record batch rather than a table
     * @param ones for the bitmaps of columns without nulls
     * @param release lets go of the memory early, when the table is closed
     */
    Object read(ByteBuffer memory, boolean singleBatch, Ones ones, Runnable release);

    /** The same for a stream that no one buffer can hold. */
    Object readLarge(ValueMemory.Range memory, boolean singleBatch, Ones ones, Runnable release);

    /** Memory of the store in which a table is built. */
    Object arena(long capacity);

    /** A table to be written. */
    record Table(ValueBuffer stream, boolean singleBatch) {}

    /** Where Arrow is not. */
    final class NoTables implements TableFormat {
        private static SerializationException absent() {
            return new SerializationException("this value holds an Arrow table, and Arrow is not on the class path; add"
                    + " the artifact io.bowstring:bowstring-arrow");
        }

        @Override
        public void guard() {}

        @Override
        public @Nullable Table tableOf(Object value) {
            return null;
        }

        @Override
        public Object read(ByteBuffer memory, boolean singleBatch, Ones ones, Runnable release) {
            throw absent();
        }

        @Override
        public Object readLarge(ValueMemory.Range memory, boolean singleBatch, Ones ones, Runnable release) {
            throw absent();
        }

        @Override
        public Object arena(long capacity) {
            throw absent();
        }
    }
}
