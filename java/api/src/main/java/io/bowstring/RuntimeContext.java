package io.bowstring;

/**
 * Where code runs, as ids in hexadecimal digits.
 *
 * @param jobId the driver's job
 * @param taskId the task that runs, or the root of what belongs to none
 * @param actorId the actor; empty: none
 * @param nodeId the node
 * @param processId this process in the runtime; not the operating system's id
 * @param namespace namespace of the job's named actors
 * @param sessionPath folder of the session's sockets and logs
 * @param inWorker true in a worker, false in a driver
 * @param attempt how often the task was tried before
 * @param workingDirectory the job's working directory. A JVM can't change its own: resolve relative paths against this one
 * @param visibleGpus the GPUs that this worker may use, as in CUDA_VISIBLE_DEVICES: a JVM can't set that variable for itself;
 *     "": none, "-": whatever the variable says
 * @param environment the environment that this process was started in, and that what it submits inherits
 * @param taskName what people call the task: its option, or its method; empty: none runs
 * @param actorName the name by which others find the actor; empty: none
 * @param restarted whether this is an actor that was started anew after its process ended
 */
public record RuntimeContext(
        String jobId,
        String taskId,
        String actorId,
        String nodeId,
        String processId,
        String namespace,
        String sessionPath,
        boolean inWorker,
        long attempt,
        String workingDirectory,
        String visibleGpus,
        RuntimeEnvironment environment,
        String taskName,
        String actorName,
        boolean restarted) {}
