package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Blocker;
import io.bowstring.Bowstring;
import io.bowstring.Explanation;
import io.bowstring.InitOptions;
import io.bowstring.MemorySummary;
import io.bowstring.ObjectRef;
import io.bowstring.Progress;
import io.bowstring.StateQuery;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StateTest {
    private static final ByteArrayOutputStream SHOWN = new ByteArrayOutputStream();
    private static final PrintStream BEFORE = System.err;
    private static Bowstring.Runtime runtime;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() {
        System.setErr(new PrintStream(SHOWN, true, StandardCharsets.UTF_8));
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(2).setResource("licence", 1).build());
    }

    @AfterAll
    static void stop() {
        if (runtime != null) {
            runtime.close();
        }
        System.setErr(BEFORE);
    }

    private static void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, "it never came about: " + SHOWN);
            Thread.onSpinWait();
        }
    }

    @Test
    void whyFollowsATaskToWhatItWaitsFor() throws IOException {
        Path began = folder.resolve("began");
        Path end = folder.resolve("end");
        ObjectRef<Integer> holder = Bowstring.task(Watched::until, began.toString(), end.toString(), 1)
                .setName("holder").setResource("licence", 1).remote();
        until(() -> Files.exists(began));
        ObjectRef<Integer> waiting = Bowstring.task(Watched::plus, 1, 1)
                .setName("waiting").setResource("licence", 1).remote();
        ObjectRef<Integer> needs = Bowstring.task(Watched::plus, waiting, waiting).setName("needs it").remote();
        until(() -> Bowstring.why(holder).reason().equals("RUNNING")
                && Bowstring.why(waiting).reason().equals("NO_RESOURCES"));
        List<Blocker> lines = Bowstring.why(needs).blockers();
        assertEquals("needs it PENDING_ARGUMENTS", lines.get(0).name() + " " + lines.get(0).reason());
        assertEquals("waiting NO_RESOURCES", lines.get(1).name() + " " + lines.get(1).reason());
        assertTrue(lines.get(lines.size() - 1).text().endsWith("it runs holder"), lines.toString());
        assertEquals(lines.stream().map(Blocker::reason).toList(),
                Bowstring.why(needs.id()).blockers().stream().map(Blocker::reason).toList());
        assertEquals("NO_RESOURCES", Bowstring.why(waiting.id().substring(0, 32)).reason());
        Explanation text = Bowstring.why(waiting);
        assertTrue(text.toString().startsWith("waiting "), text.toString());
        ObjectRef<Integer> inside = Bowstring.task(Watched::inside, List.of(holder)).setName("inside").remote();
        until(() -> Bowstring.why(inside).reason().equals("BLOCKED") && Bowstring.why(inside).blockers().size() > 1);
        assertEquals("holder RUNNING", Bowstring.why(inside).blockers().get(1).name() + " "
                + Bowstring.why(inside).blockers().get(1).reason());
        Files.createFile(end);
        assertEquals(1, inside.get());
        assertEquals(4, needs.get());
        assertEquals("READY", Bowstring.why(needs).reason());
        ObjectRef<Object> failed = Bowstring.task(Parts::failing).remote(Object.class);
        assertThrows(TaskException.class, failed::get);
        assertEquals("FAILED", Bowstring.why(failed).reason());
        assertTrue(assertThrows(InvalidArgumentException.class, () -> Bowstring.why("12")).getMessage().contains("id is '12'"));
        assertTrue(assertThrows(InvalidArgumentException.class, () -> Bowstring.why("")).getMessage().contains("id is empty"));
    }

    @Test
    void referencesComeAsTheyAreReady() throws IOException {
        Path began = folder.resolve("late began");
        Path end = folder.resolve("late end");
        ObjectRef<Integer> late = Bowstring.task(Watched::until, began.toString(), end.toString(), -1).remote();
        List<ObjectRef<Integer>> refs = new ArrayList<>(List.of(late, Bowstring.put(-2)));
        for (int call = 0; call < 300; call++) {
            refs.add(Bowstring.task(Watched::plus, call, 0).remote());
        }
        List<Integer> came = new ArrayList<>();
        Iterator<ObjectRef<Integer>> completed = Bowstring.asCompleted(refs).iterator();
        while (came.size() < 301) {
            came.add(completed.next().get());
        }
        assertFalse(came.contains(-1));
        assertEquals(301, new HashSet<>(came).size());
        Files.createFile(end);
        assertEquals(late, completed.next());
        assertFalse(completed.hasNext());
        assertThrows(NoSuchElementException.class, completed::next);
        assertFalse(Bowstring.asCompleted(List.of()).iterator().hasNext());
        ObjectRef<Integer> never = Bowstring.task(Watched::until, folder.resolve("a").toString(),
                folder.resolve("b").toString(), 1).remote();
        Iterator<ObjectRef<Integer>> waits = Bowstring.asCompleted(List.of(never), Duration.ofMillis(20)).iterator();
        assertThrows(GetTimeoutException.class, waits::next);
        Bowstring.cancel(never, true, true);
        assertTrue(assertThrows(InvalidArgumentException.class, () -> Bowstring.asCompleted(List.of(late, late)))
                .getMessage().contains("refs[1]"));
        assertTrue(assertThrows(InvalidArgumentException.class,
                () -> Bowstring.asCompleted(List.of(late), Duration.ofSeconds(-1))).getMessage().contains("timeout"));
    }

    @Test
    void codeKnowsWhatItRunsAs() {
        assertEquals("Watched.runsAs", Bowstring.task(Watched::runsAs).remote().get());
        assertEquals("named", Bowstring.task(Watched::runsAs).setName("named").remote().get());
        assertEquals("", Bowstring.getRuntimeContext().taskName());
        ActorHandle<Knowing> actor = Bowstring.actor(Knowing::new).setName("knowing").setMaxRestarts(1).remote();
        assertEquals("knowing Knowing.who false", actor.task(Knowing::who).remote().get());
        assertEquals("knowing Knowing.who false", actor.task(Knowing::askYourself).remote(ObjectRef.class).get().get());
        actor.kill(false);
        assertEquals("knowing Knowing.who true", actor.task(Knowing::who).remote().get());
        assertThrows(InvalidArgumentException.class, Bowstring::currentActor);
    }

    @Test
    void theStateIsToldInPages() {
        List<ObjectRef<Integer>> refs = new ArrayList<>();
        for (int call = 0; call < 1500; call++) {
            refs.add(Bowstring.task(Watched::plus, call, 1).setName("paged").remote());
        }
        assertEquals(1500, Bowstring.get(refs).get(1499));
        StateQuery paged = StateQuery.of(StateQuery.Kind.TASKS)
                .where("name", StateQuery.Op.EQ, "paged").where("state", StateQuery.Op.EQ, "FINISHED");
        until(() -> paged.rows().size() == 1500);
        int count = 0;
        for (Iterator<List<Map<String, Object>>> pages = paged.pages(); pages.hasNext(); ) {
            count += pages.next().size();
        }
        assertEquals(1500, count);
        assertEquals(5, paged.limit(5).rows().size());
    }

    @Test
    void theTimelineHasEachTask() throws IOException {
        Bowstring.task(Watched::plus, 1, 1).setName("drawn \"so\"").remote().get();
        until(() -> Bowstring.timeline().stream().anyMatch(event -> "drawn \"so\"".equals(event.get("name"))));
        Path file = folder.resolve("trace.json");
        Bowstring.timeline(file);
        String written = Files.readString(file);
        assertTrue(written.startsWith("{\"traceEvents\": ["), written);
        assertTrue(written.contains("\"name\": \"drawn \\\"so\\\"\""), written);
        assertTrue(written.endsWith("\"displayTimeUnit\": \"ms\"}\n"), written);
        Path nowhere = folder.resolve("none").resolve("trace.json");
        assertThrows(IOException.class, () -> Bowstring.timeline(nowhere));
        assertFalse(Files.exists(nowhere));
    }

    @Test
    void theMemorySummaryHasTheLargestObjectsAndTheirHolders() {
        ObjectRef<byte[]> large = Bowstring.put(new byte[3 << 20]);
        ObjectRef<byte[]> made = Bowstring.task(Watched::filled, 2 << 20).setName("filler").remote();
        Bowstring.wait(List.of(made), 1);
        until(() -> Bowstring.memorySummary(2).largest().get(1).madeBy().equals("filler"));
        MemorySummary summary = Bowstring.memorySummary(2);
        MemorySummary.Held first = summary.largest().get(0);
        assertEquals(large.id(), first.object());
        assertTrue(first.size() >= 3 << 20);
        assertEquals("put", first.madeBy());
        assertTrue(first.keptBy().get(0).contains("(handle"), first.toString());
        assertEquals(made.id(), summary.largest().get(1).object());
        assertTrue(summary.toString().startsWith("store: "), summary.toString());
        assertThrows(InvalidArgumentException.class, () -> Bowstring.memorySummary(0));
    }

    @Test
    void theDriverShowsHowFarItsWorkersAre() {
        assertEquals(15, Bowstring.task(Watched::count, List.of(1, 2, 3, 4, 5)).remote().get());
        until(() -> SHOWN.toString(StandardCharsets.UTF_8).contains("adding up: 5/5 (100 %), over"));
        assertTrue(SHOWN.toString(StandardCharsets.UTF_8).contains("(worker pid="), SHOWN.toString());
        ObjectRef<Void> never = Bowstring.task(Watched::unfinished).remote();
        until(() -> SHOWN.toString(StandardCharsets.UTF_8).contains("never done: 3/10 rows (30 %)"));
        Bowstring.cancel(never);
        try (Progress bar = Progress.of("here", 0)) {
            bar.update();
            bar.update(2);
            assertEquals(3, bar.done());
        }
        assertTrue(SHOWN.toString(StandardCharsets.UTF_8).contains("here: 3, over"), SHOWN.toString());
        assertTrue(assertThrows(InvalidArgumentException.class, () -> Progress.of("a", -1)).getMessage().contains("total is -1"));
        assertTrue(assertThrows(InvalidArgumentException.class, () -> Progress.of("a", 1).update(-1)).getMessage()
                .contains("count is -1"));
        assertThrows(InvalidArgumentException.class, () -> Progress.over(null, "a"));
        assertThrows(InvalidArgumentException.class, () -> Progress.of(null, 1));
    }
}
