package io.bowstring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.call.ProgressNote;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OptionsTest {
    static int nothing() {
        return 0;
    }

    @Test
    void aTaskTakesOverWhatIsSetInOptionsAtThatMoment() {
        TaskOptions options = new TaskOptions().setName("careful").setMaxRetries(9).setTimeout(Duration.ofNanos(1));
        TaskCall<Integer> call = Bowstring.task(OptionsTest::nothing).setOptions(options);
        options.setName("later").setMaxRetries(1);
        assertEquals("careful", call.options.name);
        assertEquals(9, call.options.maxRetries);
        assertEquals(1, call.options.timeoutMs, "a short limit is not none");
        call.setMaxRetries(0);
        assertEquals(1, options.options.maxRetries);
        assertEquals("later", TaskOptions.copyOf(options).options.name);
    }

    @Test
    void aCopyOfOptionsHasEveryField() throws IllegalAccessException {
        CallOptions options = CallOptions.ofActor();
        options.resource("CPU", 0);
        options.resource("licence", 0.5);
        options.concurrencyGroups.put("io", 2);
        options.retryOn(List.of("ValueError"));
        options.environment = RuntimeEnvironment.builder().build();
        options.strategy = SchedulingStrategy.spread();
        options.classLoader = getClass().getClassLoader();
        for (Field field : CallOptions.class.getFields()) {
            if (field.getType() == int.class) {
                field.setInt(options, 77);
            } else if (field.getType() == long.class) {
                field.setLong(options, 78);
            } else if (field.getType() == boolean.class) {
                field.setBoolean(options, true);
            } else if (field.getType() == String.class) {
                field.set(options, "text of " + field.getName());
            }
        }
        CallOptions copy = options.copy();
        for (Field field : CallOptions.class.getFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                assertEquals(field.get(options), field.get(copy), field.getName());
            }
        }
        assertEquals(Map.of("licence", 5_000L), copy.resources());
        assertTrue(copy.namesCpus());
        assertFalse(CallOptions.ofActor().namesCpus());
        assertNotSame(options.concurrencyGroups, copy.concurrencyGroups);
    }

    @Test
    void wrongOptionsAreNamed() {
        ActorOptions actor = new ActorOptions();
        TaskOptions task = new TaskOptions();
        record Wrong(Runnable call, String says) {}
        List<Wrong> all = List.of(
                new Wrong(() -> actor.setConcurrencyGroup("a=b", 1), "name is 'a=b'"),
                new Wrong(() -> actor.setConcurrencyGroup("io", 0), "concurrency is 0"),
                new Wrong(() -> actor.setMaxConcurrency(0), "maxConcurrency is 0"),
                new Wrong(() -> actor.setMaxRestarts(-2), "maxRestarts is -2"),
                new Wrong(() -> actor.setMaxTaskRetries(-2), "maxTaskRetries is -2"),
                new Wrong(() -> actor.setMaxPendingCalls(-2), "maxPendingCalls is -2"),
                new Wrong(() -> actor.setMaxPendingCalls(0), "maxPendingCalls is 0, which would allow no call"),
                new Wrong(() -> actor.setCheckpointInterval(0), "calls is 0"),
                new Wrong(() -> actor.setNumCpus(-1), "'CPU' is -1"),
                new Wrong(() -> actor.setMemory(-1), "'memory' is -1"),
                new Wrong(() -> actor.setNamespace(""), "namespace is empty"),
                new Wrong(() -> actor.setName(null), "name is null"),
                new Wrong(() -> actor.setJvmFlags(null), "flags is null"),
                new Wrong(() -> actor.setJvmFlags("-Xmx1g -Dtitle='two words"), "its quotation with ' does not end"),
                new Wrong(() -> ActorOptions.copyOf(null), "options is null"),
                new Wrong(() -> TaskOptions.copyOf(null), "options is null"),
                new Wrong(() -> task.setMaxRetries(-2), "maxRetries is -2"),
                new Wrong(() -> task.setMaxCalls(-1), "count is -1"),
                new Wrong(() -> task.setTimeout(Duration.ofSeconds(-1)), "limit is PT-1S"),
                new Wrong(() -> task.setTimeout(null), "limit is null"),
                new Wrong(() -> task.setStreamAhead(0), "count is 0"),
                new Wrong(() -> task.setNumGpus(Double.NaN), "'GPU' is NaN"),
                new Wrong(() -> task.setResource("", 1), "the resource's name is empty"),
                new Wrong(() -> task.setEnvironment(null), "environment is null"),
                new Wrong(() -> task.setSchedulingStrategy(null), "strategy is null"),
                new Wrong(() -> task.setRetryOn(new String[0]), "types is empty"));
        for (Wrong wrong : all) {
            InvalidArgumentException error = assertThrows(InvalidArgumentException.class, wrong.call::run, wrong.says);
            assertTrue(error.getMessage().contains(wrong.says), error.getMessage());
        }
    }

    @Test
    void labelsAreInOrNotInOrThere() {
        assertTrue(LabelCondition.in("a", "b").holds("b"));
        assertFalse(LabelCondition.in("a").holds(null));
        assertTrue(LabelCondition.notIn("a").holds(null));
        assertFalse(LabelCondition.notIn("a").holds("a"));
        assertTrue(LabelCondition.exists().holds(""));
        assertFalse(LabelCondition.doesNotExist().holds("a"));
    }

    @Test
    void aBarIsALineForPeople() {
        assertEquals("(worker pid=7) rows: 3/10 rows (30 %)",
                new ProgressNote(7, "worker", 1, "rows", "rows", 10, 3, false).line());
        assertEquals("progress: 3, over", new ProgressNote(0, "", 1, "", "", 0, 3, true).line());
    }
}
