package bench;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import io.bowstring.PyActorClass;
import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;
import io.bowstring.PyFunction;
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
        PyFunction<Integer> one = PyFunction.of("bench_tasks", "one", Integer.class);
        Bowstring.task(one).remote().get();
        stopwatch.microseconds("Java to Python tasks sync", () -> Bowstring.task(one).remote().get());
        stopwatch.perSecond("Java to Python tasks async", batch, () -> {
            List<ObjectRef<Integer>> refs = new ArrayList<>();
            for (int i = 0; i < batch; i++) {
                refs.add(Bowstring.task(one).remote());
            }
            Bowstring.get(refs);
        });
        PyActorHandle pyCounter = Bowstring.actor(PyActorClass.of("bench_tasks", "Counter")).remote();
        PyActorMethod<Integer> increment = PyActorMethod.of("increment", Integer.class);
        pyCounter.task(increment).remote().get();
        stopwatch.microseconds("Java to Python actor calls sync", () -> pyCounter.task(increment).remote().get());
        byte[] large = new byte[100_000_000];
        stopwatch.milliseconds("Java put 100 MB byte[]", () -> Bowstring.put(large));
        ObjectRef<byte[]> ref = Bowstring.put(large);
        stopwatch.milliseconds("Java get 100 MB byte[]", () -> Bowstring.get(ref));
        Bowstring.shutdown();
    }
}
