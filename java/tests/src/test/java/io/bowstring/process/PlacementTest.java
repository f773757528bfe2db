package io.bowstring.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.InitOptions;
import io.bowstring.LabelCondition;
import io.bowstring.ObjectRef;
import io.bowstring.PlacementGroup;
import io.bowstring.PyFunction;
import io.bowstring.SchedulingStrategy;
import io.bowstring.errors.ActorDiedException;
import io.bowstring.errors.ActorUnschedulableException;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.PlacementGroupRemovedException;
import io.bowstring.errors.TaskUnschedulableException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

@EnabledIfEnvironmentVariable(named = "BOWSTRING_PYTHON", matches = ".+")
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PlacementTest {
    private static Bowstring.Runtime runtime;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() {
        runtime = Bowstring.init(InitOptions.builder().setNumCpus(3).setResource("licence", 2).build());
    }

    @AfterAll
    static void stop() {
        if (runtime != null) {
            runtime.close();
        }
    }

    @AfterEach
    void everythingIsGivenBack() {
        PlacementGroup.all().forEach(info -> info.group().remove());
        until(() -> Bowstring.availableResources().get("CPU") == 3.0
                && Bowstring.availableResources().get("licence") == 2.0);
    }

    private static void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, "it never came about");
            Thread.onSpinWait();
        }
    }

    private static PlacementGroup group(Map<String, Double> bundle) {
        return PlacementGroup.builder().addBundle(bundle).create();
    }

    @Test
    void aGroupReservesItsBundlesAndGivesThemBack() {
        PlacementGroup group = PlacementGroup.builder()
                .addBundle(Map.of("CPU", 1))
                .addBundle(Map.of("CPU", 0.5, "licence", 1))
                .setStrategy(PlacementGroup.Strategy.SPREAD)
                .create();
        assertTrue(group.await(Duration.ofSeconds(30)));
        assertEquals(1.5, Bowstring.availableResources().get("CPU"));
        PlacementGroup.Info info = group.info();
        assertEquals(PlacementGroup.State.CREATED, info.state());
        assertEquals(PlacementGroup.Strategy.SPREAD, info.strategy());
        assertEquals(List.of(Map.of("CPU", 1.0), Map.of("CPU", 0.5, "licence", 1.0)), info.bundles());
        assertEquals(group, group.ready().get());
        assertEquals(group.id(), Bowstring.task(Member::idOf, group).remote().get());
        group.remove();
        group.remove();
        assertEquals(PlacementGroup.State.REMOVED, group.info().state());
    }

    @Test
    void tasksAndActorsUseTheirBundleAndNothingElse() {
        PlacementGroup group = PlacementGroup.builder().addBundle(Map.of("CPU", 1))
                .addBundle(Map.of("CPU", 1, "licence", 2)).create();
        assertEquals(group.id(), Bowstring.task(Member::group).setPlacementGroup(group).remote().get());
        assertEquals("", Bowstring.task(Member::group).remote().get());
        ActorHandle<Member> member = Bowstring.actor(Member::new)
                .setResource("licence", 2).setPlacementGroup(group, 1).remote();
        assertEquals(group.id(), member.task(Member::where).remote().get());
        assertThrows(TaskUnschedulableException.class, () -> Bowstring.task(Member::group)
                .setResource("licence", 1).setPlacementGroup(group, 0).remote().get());
        assertThrows(ActorUnschedulableException.class, () -> Bowstring.actor(Member::new)
                .setNumGpus(1).setPlacementGroup(group).remote().task(Member::where).remote().get());
        assertThrows(TaskUnschedulableException.class, () -> Bowstring.task(Member::group)
                .setPlacementGroup(group, 2).remote().get());
        PyFunction<Long> length = PyFunction.of("builtins", "len", Long.class);
        assertEquals(2L, Bowstring.task(length, List.of(1, 2)).setPlacementGroup(group).remote().get());
    }

    @Test
    void childrenGoToAGroupThatCapturesThem() {
        PlacementGroup group = group(Map.of("CPU", 1.0));
        SchedulingStrategy.InGroup in = SchedulingStrategy.placementGroup(group);
        assertEquals(List.of(group.id(), ""), Bowstring.task(Member::groupsOfChildren)
                .setSchedulingStrategy(in.capturingChildren()).remote().get());
        assertEquals(List.of("", ""), Bowstring.task(Member::groupsOfChildren)
                .setSchedulingStrategy(in).remote().get());
    }

    @Test
    void aGroupWaitsUntilEverythingIsFreeOrIsNeverPlaced() {
        PlacementGroup all = group(Map.of("CPU", 3.0));
        assertTrue(all.await(Duration.ofSeconds(30)));
        PlacementGroup next = group(Map.of("CPU", 2.0));
        assertFalse(next.await(Duration.ofMillis(50)));
        assertEquals(PlacementGroup.State.PENDING, next.info().state());
        all.remove();
        assertTrue(next.await(Duration.ofSeconds(30)));
        PlacementGroup never = group(Map.of("CPU", 99.0));
        assertFalse(never.await(Duration.ofSeconds(30)));
        assertTrue(never.info().reason().contains("CPU"), never.info().reason());
        assertThrows(TaskUnschedulableException.class, () -> never.ready().get());
        PlacementGroup apart = PlacementGroup.builder().addBundle(Map.of("CPU", 0.1)).addBundle(Map.of("CPU", 0.1))
                .setStrategy(PlacementGroup.Strategy.STRICT_SPREAD).create();
        assertEquals(PlacementGroup.State.INFEASIBLE, apart.info().state());
    }

    @Test
    void removalEndsWhatRunsInTheGroup() {
        PlacementGroup group = group(Map.of("CPU", 1.0));
        Path mark = folder.resolve("held");
        ObjectRef<Void> held = Bowstring.task(Member::hold, mark.toString()).setPlacementGroup(group).remote();
        ObjectRef<String> waits = Bowstring.task(Member::group).setPlacementGroup(group).remote();
        ActorHandle<Member> member = Bowstring.actor(Member::new).setPlacementGroup(group).setMaxRestarts(1).remote();
        ActorHandle<Member> once = Bowstring.actor(Member::new).setPlacementGroup(group).remote();
        assertEquals(group.id(), member.task(Member::where).remote().get());
        assertEquals(group.id(), once.task(Member::where).remote().get());
        until(() -> Files.exists(mark));
        group.remove();
        assertThrows(PlacementGroupRemovedException.class, held::get);
        assertThrows(PlacementGroupRemovedException.class, waits::get);
        assertThrows(PlacementGroupRemovedException.class,
                () -> Bowstring.task(Member::group).setPlacementGroup(group).remote().get());
        // A call that was on its way when the worker ended may have run, and says so; the next one knows why.
        until(() -> assertThrows(BowstringException.class, () -> member.task(Member::where).remote().get())
                instanceof PlacementGroupRemovedException);
        assertThrows(ActorDiedException.class, () -> once.task(Member::where).remote().get());
    }

    @Test
    void aGroupIsFoundByItsName() {
        PlacementGroup group = PlacementGroup.builder().addBundle(Map.of("CPU", 0.1)).setName("mine").setDetached(true).create();
        assertEquals(group, PlacementGroup.get("mine"));
        assertEquals("mine", PlacementGroup.all().get(0).name());
        assertTrue(PlacementGroup.current().isEmpty());
        assertThrows(InvalidArgumentException.class,
                () -> PlacementGroup.builder().addBundle(Map.of("CPU", 0.1)).setName("mine").create());
        assertTrue(assertThrows(InvalidArgumentException.class, () -> PlacementGroup.get("other")).getMessage().contains("other"));
    }

    @Test
    void nodesAreChosenByTheirIdsAndLabels() {
        String here = Bowstring.getRuntimeContext().nodeId();
        for (SchedulingStrategy fits : List.of(SchedulingStrategy.spread(), SchedulingStrategy.node(here, false),
                SchedulingStrategy.node("elsewhere", true),
                SchedulingStrategy.nodeLabels(Map.of("bowstring.io/node-id", LabelCondition.in(here, "other"))),
                SchedulingStrategy.nodeLabels(Map.of("zone", LabelCondition.doesNotExist())))) {
            assertEquals("", Bowstring.task(Member::group).setSchedulingStrategy(fits).remote().get());
        }
        assertTrue(assertThrows(TaskUnschedulableException.class, () -> Bowstring.task(Member::group)
                .setSchedulingStrategy(SchedulingStrategy.node("elsewhere", false)).remote())
                .getMessage().contains("node elsewhere is wanted"));
        assertTrue(assertThrows(ActorUnschedulableException.class, () -> Bowstring.actor(Member::new)
                .setSchedulingStrategy(SchedulingStrategy.nodeLabels(Map.of("zone", LabelCondition.in("a")))).remote())
                .getMessage().contains("label 'zone' is one of a is wanted"));
    }

    @Test
    void wrongArgumentsAreNamed() {
        PlacementGroup.Builder builder = PlacementGroup.builder();
        record Wrong(Runnable call, String says) {}
        List<Wrong> all = List.of(
                new Wrong(builder::create, "no bundles"),
                new Wrong(() -> builder.addBundle(Map.of()), "bundle 0 is {}; it must hold a resource"),
                new Wrong(() -> builder.addBundle(Map.of("CPU", -1)), "'CPU' is -1"),
                new Wrong(() -> builder.addBundle(Map.of("", 1)), "a resource's name in bundle 0"),
                new Wrong(() -> builder.setName(""), "name is empty"),
                new Wrong(() -> builder.setStrategy(null), "strategy is null"),
                new Wrong(() -> PlacementGroup.get(""), "name is empty"),
                new Wrong(() -> SchedulingStrategy.placementGroup(null), "group is null"),
                new Wrong(() -> SchedulingStrategy.node("", true), "nodeId is empty"),
                new Wrong(() -> LabelCondition.in(), "values is empty"),
                new Wrong(() -> Bowstring.task(Member::group).setPlacementGroup(null), "group is null"),
                new Wrong(() -> Bowstring.task(Member::group).setSchedulingStrategy(null), "strategy is null"));
        for (Wrong wrong : all) {
            InvalidArgumentException error = assertThrows(InvalidArgumentException.class, wrong.call::run, wrong.says);
            assertTrue(error.getMessage().contains(wrong.says), error.getMessage());
        }
        PlacementGroup group = group(Map.of("CPU", 0.1));
        assertTrue(assertThrows(InvalidArgumentException.class,
                () -> Bowstring.task(Member::group).setPlacementGroup(group, -1)).getMessage().contains("bundle is -1"));
        assertInstanceOf(SchedulingStrategy.InGroup.class, SchedulingStrategy.placementGroup(group, SchedulingStrategy.ANY_BUNDLE));
    }
}
