package io.bowstring.process;

import io.bowstring.Bowstring;
import io.bowstring.Checkpointed;
import io.bowstring.ObjectRef;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An actor with checkpoints that keeps what it was told, in order. */
public class Ledger implements Checkpointed<Ledger.State> {
    /** What is saved. */
    public record State(List<String> entries, @Nullable ObjectRef<String> kept, double[] sums) implements Serializable {}

    private final List<String> entries = new ArrayList<>();
    private double[] sums = new double[1];
    private @Nullable ObjectRef<String> kept;

    public Ledger() {}

    /** The number of entries, this one included. */
    public int add(String entry) {
        entries.add(entry);
        sums[0]++;
        return entries.size();
    }

    public int addAndFail(String entry) {
        add(entry);
        throw new IllegalStateException("added " + entry);
    }

    /** A reference inside of a value, which stays one. */
    public int keep(List<ObjectRef<String>> refs) {
        kept = refs.get(0);
        return entries.size();
    }

    public String kept() {
        return kept.get();
    }

    public List<String> entries() {
        return entries;
    }

    public double sum() {
        return sums[0];
    }

    public long pid() {
        return ProcessHandle.current().pid();
    }

    /** Ends its process in the call, so often. */
    public int deadly(String mark, int times) throws IOException {
        Path file = Path.of(mark);
        long deaths = Files.exists(file) ? Files.size(file) : 0;
        if (deaths < times) {
            Files.write(file, new byte[(int) deaths + 1]);
            Runtime.getRuntime().halt(9);
        }
        return add("deadly");
    }

    public List<Object> two(String entry) {
        return List.of(add(entry), entry);
    }

    public void leave() {
        Bowstring.exitActor();
    }

    @Override
    public State saveCheckpoint() {
        return new State(new ArrayList<>(entries), kept, sums);
    }

    @Override
    public void restoreCheckpoint(State state) {
        entries.addAll(state.entries());
        kept = state.kept();
        sums = state.sums();
    }

    /** How many different entries there are. */
    static int different(List<String> entries) {
        Set<String> set = new HashSet<>(entries);
        return set.size();
    }
}
