package bench;

import io.ray.api.ActorHandle;
import io.ray.api.ObjectRef;
import io.ray.api.PyActorHandle;
import io.ray.api.Ray;
import io.ray.api.function.PyActorClass;
import io.ray.api.function.PyActorMethod;
import io.ray.api.function.PyFunction;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** The Java driver rows on Ray: arguments are the number of processors and "quick" or "full". */
public final class RayDriver {
    private RayDriver() {}

    public static void main(String[] args) {
        System.setProperty("ray.job.num-java-workers-per-process", "1");
        System.setProperty("ray.head-args.0", "--num-cpus=" + args[0]);
        System.setProperty("ray.head-args.1", "--include-dashboard=false");
        System.setProperty("ray.job.code-search-path", System.getProperty("java.class.path") + File.pathSeparator + System.getenv("PYTHONPATH"));
        boolean quick = args[1].equals("quick");
        Stopwatch stopwatch = new Stopwatch(quick);
        Stopwatch.onceMilliseconds("Java driver init", Ray::init);
        Stopwatch.onceMilliseconds("Java driver first task", () -> Ray.task(BenchTasks::one).remote().get());
        stopwatch.microseconds("Java to Java tasks sync", () -> Ray.task(BenchTasks::one).remote().get());
        int batch = quick ? 100 : 1000;
        stopwatch.perSecond("Java to Java tasks async", batch, () -> {
            List<ObjectRef<Integer>> refs = new ArrayList<>();
            for (int i = 0; i < batch; i++) {
                refs.add(Ray.task(BenchTasks::one).remote());
            }
            Ray.get(refs);
        });
        ActorHandle<BenchCounter> counter = Ray.actor(BenchCounter::new).remote();
        counter.task(BenchCounter::increment).remote().get();
        stopwatch.microseconds("Java to Java actor calls sync", () -> counter.task(BenchCounter::increment).remote().get());
        PyFunction<Integer> one = PyFunction.of("bench_tasks", "one", Integer.class);
        Ray.task(one).remote().get();
        stopwatch.microseconds("Java to Python tasks sync", () -> Ray.task(one).remote().get());
        stopwatch.perSecond("Java to Python tasks async", batch, () -> {
            List<ObjectRef<Integer>> refs = new ArrayList<>();
            for (int i = 0; i < batch; i++) {
                refs.add(Ray.task(one).remote());
            }
            Ray.get(refs);
        });
        PyActorHandle pyCounter = Ray.actor(PyActorClass.of("bench_tasks", "Counter")).remote();
        PyActorMethod<Integer> increment = PyActorMethod.of("increment", Integer.class);
        pyCounter.task(increment).remote().get();
        stopwatch.microseconds("Java to Python actor calls sync", () -> pyCounter.task(increment).remote().get());
        byte[] large = new byte[100_000_000];
        stopwatch.milliseconds("Java put 100 MB byte[]", () -> Ray.put(large));
        ObjectRef<byte[]> ref = Ray.put(large);
        stopwatch.milliseconds("Java get 100 MB byte[]", () -> Ray.get(ref));
        Ray.shutdown();
        System.exit(0);
    }
}
