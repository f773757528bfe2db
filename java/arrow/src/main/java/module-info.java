/** Arrow tables as values of Bowstring, read from the pages where they lie and built in the store. */
module io.bowstring.arrow {
    requires static org.jspecify;
    requires java.instrument;
    requires transitive io.bowstring;
    requires io.bowstring.runtime;
    requires transitive org.apache.arrow.memory.core;
    requires transitive org.apache.arrow.vector;
    requires org.apache.arrow.format;
    requires org.apache.arrow.memory.unsafe; // nobody else names it, and Arrow looks for it
    requires flatbuffers.java;

    exports io.bowstring.arrow;

    provides io.bowstring.internal.value.TableFormat with
            io.bowstring.internal.arrow.ArrowTables;
}
