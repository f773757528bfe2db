package io.bowstring.internal.worker;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What an actor's call left behind when its method had returned a stage that was not done: the call is under way, and no
 * thread has it until the stage ends.
 *
 * @param held references among the arguments, which stay until the end of the call
 * @param beganNs when user code began, by {@link System#nanoTime}
 */
record AwaitedStage(CompletableFuture<?> future, String name, List<Object> held, long beganNs) {}
