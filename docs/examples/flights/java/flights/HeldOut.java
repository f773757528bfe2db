package flights;

/** Which flights the model is tested on, and so may not learn from. */
final class HeldOut {
    private static final int EVERY = 5;

    private HeldOut() {}

    /** Of the flights that were flown, every fifth. */
    static boolean contains(int row) {
        return row % EVERY == 0;
    }
}
