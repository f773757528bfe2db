package bench;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import java.util.ArrayList;
import java.util.List;

/** The Java driver rows on Bowstring: arguments are the number of processors and "quick" or "full". */
public final class BowstringDriver {
    private BowstringDriver() {}

    public static void main(String[] args) {
        InitOptions options = InitOptions.builder().setNumCpus(Integer.parseInt(args[0])).build();
        boolean quick = args[1].equals("quick");
        Stopwatch stopwatch = new Stopwatch(quick);
        Stopwatch.onceMilliseconds("Java driver init", () -> Bowstring.init(options));
        Stopwatch.onceMilliseconds("Java driver first task", () -> Bowstring.task(BenchTasks::one).remote().get());
        stopwatch.microseconds("Java to Java tasks sync", () -> Bowstring.task(BenchTasks::one).remote().get());
        int batch = quick ? 100 : 1000;
        stopwatch.perSecond("Java to Java tasks async", batch, () -> {
            List<ObjectRef<Integer>> refs = new ArrayList<>();
            for (int i = 0; i < batch; i++) {
                refs.add(Bowstring.task(BenchTasks::one).remote());
            }
            Bowstring.get(refs);
        });
        ActorHandle<BenchCounter> counter = Bowstring.actor(BenchCounter::new).remote();
        counter.task(BenchCounter::increment).remote().get();
        stopwatch.microseconds("Java to Java actor calls sync", () -> counter.task(BenchCounter::increment).remote().get());
        byte[] large = new byte[100_000_000];
        stopwatch.milliseconds("Java put 100 MB byte[]", () -> Bowstring.put(large));
        ObjectRef<byte[]> ref = Bowstring.put(large);
        stopwatch.milliseconds("Java get 100 MB byte[]", () -> Bowstring.get(ref));
        Bowstring.shutdown();
    }
}
