package io.bowstring.process;

import io.bowstring.Bowstring;

/** An actor that counts. */
public class Counter {
    private int count;

    public Counter(int start) {
        if (start < 0) {
            throw new IllegalArgumentException("a counter starts at 0 or more");
        }
        count = start;
    }

    public int add(int amount) {
        count += amount;
        return count;
    }

    public void reset() {
        count = 0;
    }

    public int crash() {
        Runtime.getRuntime().halt(4);
        return 0;
    }

    public void leave() {
        Bowstring.exitActor();
    }

    public int fail() {
        throw new UnsupportedOperationException("not today");
    }
}
