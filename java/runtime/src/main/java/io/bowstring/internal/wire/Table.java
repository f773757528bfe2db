package io.bowstring.internal.wire;

/** A table of the spec as a plain object; the generated classes are its only kinds. */
public interface Table {
    /** The type of the frame whose metadata this table is; 0: it only stands inside others. */
    int frameType();

    /** Where the table starts in its block: behind its vtable. */
    int start();

    /** Appends the canonical block of this table: vtable, fields, tails (spec section 1.6). */
    void write(FlatWriter out);

    /** The canonical bytes of a whole metadata buffer. */
    default byte[] encode() {
        FlatWriter out = new FlatWriter();
        out.root(this);
        return out.toBytes();
    }
}
