package io.bowstring.process;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.ObjectRef;
import java.util.ArrayList;
import java.util.List;

/** Measures calls: {@code java -cp <test class path> io.bowstring.process.CallRate}. */
public final class CallRate {
    public static void main(String[] arguments) {
        try (Bowstring.Runtime runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).build())) {
            ActorHandle<Counter> counter = Bowstring.actor(Counter::new, 0).remote();
            for (int round = 0; round < 4; round++) {
                long start = System.nanoTime();
                for (int i = 0; i < 3000; i++) {
                    Bowstring.task(Calculator::add, i, 1).remote().get();
                }
                long sync = System.nanoTime();
                for (int i = 0; i < 3000; i++) {
                    counter.task(Counter::add, 1).remote().get();
                }
                long actor = System.nanoTime();
                List<ObjectRef<Integer>> refs = new ArrayList<>();
                for (int i = 0; i < 30_000; i++) {
                    refs.add(Bowstring.task(Calculator::add, i, 1).remote());
                }
                Bowstring.get(refs);
                long async = System.nanoTime();
                refs.clear();
                for (int i = 0; i < 30_000; i++) {
                    refs.add(counter.task(Counter::add, 1).remote());
                }
                Bowstring.get(refs);
                long end = System.nanoTime();
                System.out.printf("task %.0f us, actor %.0f us, tasks %.0f/s, calls %.0f/s%n",
                        (sync - start) / 3e6, (actor - sync) / 3e6, 30_000e9 / (async - actor), 30_000e9 / (end - async));
            }
        }
    }

    private CallRate() {}
}
