package io.bowstring.process;

import io.bowstring.Bowstring;
import io.bowstring.PlacementGroup;
import io.bowstring.SchedulingStrategy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/** Tasks and an actor that tell of the placement group and the environment in which they run. */
public class Member {
    public Member() {}

    /** Id of the group whose resources this uses; empty: none. */
    public static String group() {
        return PlacementGroup.current().map(PlacementGroup::id).orElse("");
    }

    /** The group of a child that names none, and of one that says that it wants none. */
    public static List<String> groupsOfChildren() {
        return List.of(
                Bowstring.task(Member::group).setNumCpus(0).remote().get(),
                Bowstring.task(Member::group).setNumCpus(0)
                        .setSchedulingStrategy(SchedulingStrategy.anywhere()).remote().get());
    }

    /** Makes a file, and waits to be interrupted. */
    public static void hold(String mark) throws IOException, InterruptedException {
        Files.createFile(Path.of(mark));
        new CountDownLatch(1).await();
    }

    public static String idOf(PlacementGroup group) {
        return group.id();
    }

    public String where() {
        return group();
    }

    public static String variable(String name) {
        return String.valueOf(System.getenv(name));
    }

    /** The variables of the environment that this runs in. */
    public static Map<String, String> variables() {
        return new TreeMap<>(Bowstring.getRuntimeContext().environment().variables());
    }

    /** The same of a child, which inherits it. */
    public static String childsVariable(String name) {
        return Bowstring.task(Member::variable, name).remote().get();
    }

    /** The text of a file in the working directory. */
    public static String read(String file) throws IOException {
        return Files.readString(Path.of(Bowstring.getRuntimeContext().workingDirectory()).resolve(file));
    }

    public String actorsVariable(String name) {
        return variable(name);
    }

    public static long maxHeap() {
        return Runtime.getRuntime().maxMemory();
    }

    public static String property(String name) {
        return String.valueOf(System.getProperty(name));
    }

    /** The same of a child, which inherits the flags. */
    public static String childsProperty(String name) {
        return Bowstring.task(Member::property, name).remote().get();
    }

    /** What a class says that the driver does not have. */
    public static String said(String className) throws ReflectiveOperationException {
        return (String) Class.forName(className, true, Thread.currentThread().getContextClassLoader())
                .getMethod("say").invoke(null);
    }

    public static long pid() {
        return ProcessHandle.current().pid();
    }
}
