package io.bowstring.arrow;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.arrow.ForgottenTables;
import io.bowstring.internal.arrow.RowCounts;
import io.bowstring.internal.value.ViewWatch;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.types.pojo.Schema;
import org.jspecify.annotations.Nullable;

/**
 * An Arrow table or record batch as a value of the store (spec section 3.5).
 *
 * <p>One that was read is a view of the memory where it was written: nothing was copied. Its vectors are for
 * reading: a write fails with {@link ReadOnlyTableException}. (Should Arrow have been in use before
 * {@code Bowstring.init()}, a write is not refused, but stays in a private copy of the page that nobody else sees.) Close
 * it to let go of the memory; vectors and roots of a closed value must not be used any more, but for vectors that were
 * transferred out of it, which keep the memory until they are closed.
 */
public final class ArrowValue implements AutoCloseable {
    private final Schema schema;
    private final List<VectorSchemaRoot> batches;
    private final DictionaryProvider dictionaries;
    private final boolean singleBatch;
    private final @Nullable Runnable release;
    private final AtomicBoolean closed = new AtomicBoolean();

    private ArrowValue(
            Schema schema,
            List<VectorSchemaRoot> batches,
            DictionaryProvider dictionaries,
            boolean singleBatch,
            @Nullable Runnable release) {
        this.schema = schema;
        this.batches = List.copyOf(batches);
        this.dictionaries = dictionaries;
        this.singleBatch = singleBatch;
        this.release = release;
    }

    /**
     * A table of one batch. The root stays the caller's, who keeps it as it is until the value was put or passed.
     *
     * @param root the only batch; it may have no rows, and its columns have as many values as it has rows
     * @return a table that borrows the root
     * @throws InvalidArgumentException if a column has more or fewer values than the root has rows
     */
    public static ArrowValue of(VectorSchemaRoot root) {
        return of(List.of(root), new DictionaryProvider.MapDictionaryProvider());
    }

    /**
     * One record batch, which other languages read as such and not as a table.
     *
     * @param root the batch, which stays the caller's
     * @return a record batch that borrows the root
     * @throws InvalidArgumentException if a column has more or fewer values than the root has rows
     */
    public static ArrowValue ofBatch(VectorSchemaRoot root) {
        RowCounts.check(root);
        return new ArrowValue(
                root.getSchema(), List.of(root), new DictionaryProvider.MapDictionaryProvider(), true, null);
    }

    /**
     * A table of batches of one schema, with the dictionaries that its encoded columns name.
     *
     * @param batches at least one, which stay the caller's
     * @param dictionaries those of all columns that are encoded
     * @return a table that borrows roots and dictionaries
     * @throws InvalidArgumentException if there is no batch, schemas differ, or a column has more or fewer values than
     *     its batch has rows
     */
    public static ArrowValue of(List<VectorSchemaRoot> batches, DictionaryProvider dictionaries) {
        if (batches.isEmpty()) {
            throw new InvalidArgumentException("a table needs at least one batch, which may have no rows");
        }
        Schema schema = batches.get(0).getSchema();
        for (VectorSchemaRoot batch : batches) {
            if (!batch.getSchema().equals(schema)) {
                throw new InvalidArgumentException("the batches of a table differ in their schemas");
            }
            RowCounts.check(batch);
        }
        return new ArrowValue(schema, batches, dictionaries, false, null);
    }

    /**
     * What the reader of the store makes; {@code release} lets go of roots and memory. Not for users.
     *
     * @param schema fields as they are in memory: encoded ones by index
     * @param batches batches of the schema; none is possible
     * @param dictionaries those of all columns that are encoded
     * @param singleBatch whether the value is a record batch, and no table
     * @param release run once, when the value is closed or lost
     * @return the value
     */
    public static ArrowValue view(
            Schema schema,
            List<VectorSchemaRoot> batches,
            DictionaryProvider dictionaries,
            boolean singleBatch,
            Runnable release) {
        ArrowValue view = new ArrowValue(schema, batches, dictionaries, singleBatch, release);
        if (!ViewWatch.isLending()) {
            ForgottenTables.watch(view, view.closed);
        }
        return view;
    }

    /** {@return the schema, with dictionary-encoded fields as they are in memory: by index} */
    public Schema schema() {
        return schema;
    }

    /**
     * The batches in order. They belong to this value.
     *
     * @return an unchangeable list of what this value keeps, not of copies
     * @throws InvalidArgumentException if the value was closed
     */
    public List<VectorSchemaRoot> batches() {
        checkOpen();
        return batches;
    }

    /**
     * The only batch.
     *
     * @return the batch, which belongs to this value
     * @throws InvalidArgumentException if there are more or none, or the value was closed
     */
    public VectorSchemaRoot root() {
        checkOpen();
        if (batches.size() != 1) {
            throw new InvalidArgumentException(
                    "this table has " + batches.size() + " batches; go through batches() instead");
        }
        return batches.get(0);
    }

    /**
     * The dictionaries that encoded columns name.
     *
     * @return what this value keeps, not a copy
     * @throws InvalidArgumentException if the value was closed
     */
    public DictionaryProvider dictionaries() {
        checkOpen();
        return dictionaries;
    }

    /**
     * The number of rows of all batches.
     *
     * @return the sum of their rows
     * @throws InvalidArgumentException if the value was closed
     */
    public long rowCount() {
        checkOpen();
        return batches.stream().mapToLong(VectorSchemaRoot::getRowCount).sum();
    }

    /**
     * Tells whether other languages read the value as a record batch or as a table.
     *
     * @return true of a record batch, false of a table
     */
    public boolean isSingleBatch() {
        return singleBatch;
    }

    private void checkOpen() {
        if (closed.get()) {
            throw new InvalidArgumentException("this table was closed, and its memory may be another value's by now. Close it"
                    + " when nothing reads it any more, and not before it is passed or returned; to keep a table for later,"
                    + " keep its ObjectRef, and get() it again");
        }
    }

    /**
     * Lets go of the memory of a value that was read, which can't be read, put, passed or returned after that; does nothing
     * to one that was made here.
     */
    @Override
    public synchronized void close() {
        if (release != null && closed.compareAndSet(false, true)) {
            release.run();
        }
    }
}
