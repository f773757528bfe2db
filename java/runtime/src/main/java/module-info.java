/** Bowstring's runtime: drivers and workers, the wire, the encodings of values, the client of the store. */
module io.bowstring.runtime {
    requires static org.jspecify;
    requires transitive io.bowstring;
    requires static java.logging;
    requires static org.slf4j;
    requires jdk.unsupported;

    exports io.bowstring.internal.wire to
            io.bowstring.arrow,
            io.bowstring.testkit;
    exports io.bowstring.internal.value to
            io.bowstring.arrow,
            io.bowstring.testkit;

    exports io.bowstring.internal.runtime to
            io.bowstring.testkit;
    exports io.bowstring.internal.worker to
            io.bowstring.testkit;

    uses io.bowstring.internal.value.TableFormat;

    provides io.bowstring.RuntimeProvider with
            io.bowstring.internal.runtime.DriverProvider;
}
