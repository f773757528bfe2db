/** Bowstring's API: what a program says, and the errors that it hears. It runs with a provider of the runtime. */
module io.bowstring {
    requires static org.jspecify;

    exports io.bowstring;
    exports io.bowstring.errors;
    exports io.bowstring.internal.call to
            io.bowstring.runtime,
            io.bowstring.arrow,
            io.bowstring.testkit;
    exports io.bowstring.internal.function to
            io.bowstring.runtime,
            io.bowstring.testkit;

    uses io.bowstring.RuntimeProvider;
}
