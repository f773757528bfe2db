package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.errors.ActorDiedException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** Several actors in one JVM, from Java. */
@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SharedWorkerTest {
    private static Bowstring.Runtime runtime;

    @BeforeAll
    static void start() {
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).build());
    }

    @AfterAll
    static void stop() {
        runtime.close();
    }

    /** An actor that knows its process. */
    public static final class Tenant extends Counter {
        public Tenant(int start) {
            super(start);
        }

        public long process() {
            return ProcessHandle.current().pid();
        }
    }

    private static ActorHandle<Tenant> tenant(int start, int restarts) {
        return Bowstring.actor(Tenant::new, start).setSharedWorker(true).setMaxRestarts(restarts)
                .setMaxTaskRetries(restarts).remote();
    }

    @Test
    void actorsShareAJvmAndEndByThemselves() {
        ActorHandle<Tenant> one = tenant(10, 0);
        ActorHandle<Tenant> other = tenant(20, 0);
        assertEquals(one.task(Tenant::process).remote().get(), other.task(Tenant::process).remote().get());
        assertEquals(11, one.task(Tenant::add, 1).remote().get());
        assertEquals(21, other.task(Tenant::add, 1).remote().get());
        one.kill();
        assertThrows(ActorDiedException.class, () -> one.task(Tenant::add, 1).remote().get());
        other.task(Tenant::reset).remote();
        assertEquals(1, other.task(Tenant::add, 1).remote().get());
        other.task(Tenant::leave).remote().get();
        assertThrows(ActorDiedException.class, () -> other.task(Tenant::add, 1).remote().get());
    }

    @Test
    void anActorThatSharesAJvmSurvivesItIfItMayRestart() {
        ActorHandle<Tenant> mortal = tenant(0, 0);
        ActorHandle<Tenant> phoenix = tenant(0, 1);
        long before = phoenix.task(Tenant::process).remote().get();
        assertEquals(before, mortal.task(Tenant::process).remote().get());
        assertThrows(ActorDiedException.class, () -> mortal.task(Tenant::crash).remote().get());
        assertEquals(5, phoenix.task(Tenant::add, 5).remote().get());
        assertNotEquals(before, phoenix.task(Tenant::process).remote().get());
    }
}
