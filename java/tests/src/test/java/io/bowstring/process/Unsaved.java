package io.bowstring.process;

import io.bowstring.Checkpointed;

/** An actor whose state can't be saved at times, or taken over. */
public class Unsaved implements Checkpointed<Object> {
    private final boolean fromTheStart;
    private boolean saves = true;
    private int calls;

    public Unsaved(boolean fromTheStart) {
        this.fromTheStart = fromTheStart;
    }

    public int call() {
        return ++calls;
    }

    public int stop() {
        saves = false;
        return ++calls;
    }

    @Override
    public Object saveCheckpoint() {
        if (fromTheStart) {
            throw new IllegalStateException("nothing to save");
        }
        return saves ? (Object) calls : new Object(); // which is not serializable
    }

    @Override
    public void restoreCheckpoint(Object state) {
        calls = (Integer) (Object) ((Number) state).intValue();
    }
}
