package cross;

import io.bowstring.Checkpointed;
import io.bowstring.ObjectRef;
import java.util.ArrayList;
import java.util.List;

/** An actor with checkpoints that keeps what each caller has said, in order. */
public final class JavaLedger implements Checkpointed<ArrayList<Object>> {
    private List<String> entries = new ArrayList<>();
    private List<ObjectRef<String>> kept = new ArrayList<>();

    /** The number of entries, this one included. */
    public int add(String who, long number) {
        entries.add(who + " " + number);
        return entries.size();
    }

    public List<String> all() {
        return entries;
    }

    public int keep(List<ObjectRef<String>> refs) {
        kept.addAll(refs);
        return kept.size();
    }

    public String read(int place) {
        return kept.get(place).get();
    }

    public long pid() {
        return ProcessHandle.current().pid();
    }

    @Override
    public ArrayList<Object> saveCheckpoint() {
        return new ArrayList<>(List.of(new ArrayList<>(entries), new ArrayList<>(kept)));
    }

    @Override
    @SuppressWarnings("unchecked")
    public void restoreCheckpoint(ArrayList<Object> state) {
        entries = (List<String>) state.get(0);
        kept = (List<ObjectRef<String>>) state.get(1);
    }
}
