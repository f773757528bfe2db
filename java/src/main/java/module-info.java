/** Bowstring: remote tasks and actors in Java and Python over one shared-memory store of Arrow data. */
module io.bowstring {
    requires static org.jspecify;
    requires static java.instrument;
    requires transitive org.apache.arrow.memory.core;
    requires transitive org.apache.arrow.vector;
    requires org.apache.arrow.format;
    requires flatbuffers.java;
    requires jdk.unsupported;

    exports io.bowstring;
    exports io.bowstring.arrow;
    exports io.bowstring.errors;
}
