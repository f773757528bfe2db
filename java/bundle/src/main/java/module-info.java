/** All of Bowstring for a program: the API, the runtime, and Arrow. */
module io.bowstring.all {
    requires transitive io.bowstring;
    requires transitive io.bowstring.runtime;
    requires transitive io.bowstring.arrow;
}
