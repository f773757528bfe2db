package io.bowstring.internal.arrow;

import io.bowstring.arrow.ArrowValue;
import io.bowstring.internal.value.Ones;
import io.bowstring.internal.value.TableFormat;
import io.bowstring.internal.value.ValueMemory;
import io.bowstring.internal.value.ViewWatch;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What the runtime asks for when a value is a table. This class itself loads nothing of Arrow's, so that {@link #guard}
 * comes before Arrow's buffers.
 */
public final class ArrowTables implements TableFormat {
    private static final String VIEW = "an ArrowValue that was read";

    @Override
    public void guard() {
        WriteGuard.install();
    }

    @Override
    public @Nullable Table tableOf(Object value) {
        return value instanceof ArrowValue table
                ? new Table(TableWriter.writer(table), table.isSingleBatch())
                : null;
    }

    @Override
    public Object read(ByteBuffer memory, boolean singleBatch, Ones ones, Runnable release) {
        return TableReader.read(memory, singleBatch, ones, ViewWatch.opened(VIEW, release));
    }

    @Override
    public Object readLarge(ValueMemory.Range memory, boolean singleBatch, Ones ones, Runnable release) {
        return TableReader.read(memory, singleBatch, ones, ViewWatch.opened(VIEW, release));
    }

    @Override
    public Object arena(long capacity) {
        return StoreArena.allocate(capacity);
    }
}
