/** A runtime of Bowstring inside the JVM of a test: for unit tests of tasks, actors and what they exchange. */
module io.bowstring.testkit {
    requires static org.jspecify;
    requires static org.junit.jupiter.api;
    requires transitive io.bowstring;
    requires io.bowstring.runtime;

    exports io.bowstring.testkit;
}
