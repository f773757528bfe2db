package io.bowstring.arrow;

import java.nio.ReadOnlyBufferException;

/** Something would have written into a table that was read from the store: its pages are other readers' too. */
public final class ReadOnlyTableException extends ReadOnlyBufferException {
    private static final long serialVersionUID = 1;

    /** For the guard of views alone. */
    public ReadOnlyTableException() {}

    @Override
    public String getMessage() {
        return "this vector is a view of a value in the store, which others read too, and can't be written;"
                + " copy it into a vector of your own first, as by TransferPair.copyValueSafe or VectorAppender";
    }
}
