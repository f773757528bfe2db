package io.bowstring.internal.runtime;

import io.bowstring.ElementType;
import io.bowstring.ObjectRef;
import io.bowstring.RuntimeContext;
import io.bowstring.RuntimeLink;
import io.bowstring.Tensor;
import io.bowstring.WaitResult;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.call.GroupRecord;
import io.bowstring.internal.call.ProgressNote;
import io.bowstring.internal.call.StateFilter;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.value.TensorImage;
import io.bowstring.internal.wire.Encoding;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the API asks for, done by the session of this process: a driver's or a worker's. */
public final class SessionLink implements RuntimeLink {
    private final Session session;
    private final Runnable close;
    private final Consumer<ProgressNote> progress;

    /** The API's view of a session; {@code close} leaves the runtime, {@code progress} shows how far something has come. */
    public SessionLink(Session session, Runnable close, Consumer<ProgressNote> progress) {
        this.session = session;
        this.close = close;
        this.progress = progress;
    }

    private static ActorReference handle(Object actor) {
        if (!(actor instanceof ActorReference reference)) {
            throw new InvalidArgumentException("a handle of " + actor.getClass() + ", which is not the runtime's");
        }
        return reference;
    }

    @Override
    public ObjectRef<?> submit(
            FunctionDescriptor function, List<?> arguments, CallOptions options, @Nullable Type type) {
        return session.submitter().submit(function, arguments, options, type);
    }

    @Override
    public List<ObjectRef<?>> submitAll(
            FunctionDescriptor function, List<?> arguments, CallOptions options, List<Class<?>> types) {
        return session.submitter().submitAll(function, arguments, options, types);
    }

    @Override
    public Items stream(FunctionDescriptor function, List<?> arguments, CallOptions options) {
        return session.submitter().stream(function, arguments, options);
    }

    @Override
    public Object create(FunctionDescriptor type, String constructor, List<?> arguments, CallOptions options) {
        return session.actorControl().create(type, constructor, arguments, options);
    }

    @Override
    public CallOptions callOptions(Object actor, String method) {
        CallOptions options = CallOptions.ofActor();
        handle(actor).retries(method, options);
        return options;
    }

    @Override
    public ObjectRef<?> call(
            Object actor, String method, List<?> arguments, CallOptions options, @Nullable Type type) {
        return session.submitter().call(handle(actor), method, arguments, options, type);
    }

    @Override
    public List<ObjectRef<?>> callAll(
            Object actor, String method, List<?> arguments, CallOptions options, List<Class<?>> types) {
        return session.submitter().callAll(handle(actor), method, arguments, options, types);
    }

    @Override
    public Items callStream(Object actor, String method, List<?> arguments, CallOptions options) {
        return session.submitter().callStream(handle(actor), method, arguments, options);
    }

    @Override
    public <T extends @Nullable Object> ObjectRef<T> put(T value) {
        return session.writer().put(value);
    }

    @Override
    public List<@Nullable Object> get(List<? extends ObjectRef<?>> refs, long timeoutNs) {
        return session.reader().get(refs, timeoutNs);
    }

    @Override
    public <T extends @Nullable Object> WaitResult<T> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs) {
        List<List<ObjectRef<T>>> split = session.reader().wait(refs, numReturns, timeoutNs);
        return new WaitResult<>(split.get(0), split.get(1));
    }

    @Override
    public <T extends @Nullable Object> Iterator<ObjectRef<T>> completions(
            List<? extends ObjectRef<T>> refs, long timeoutNs) {
        return new Arrivals<>(session, refs, timeoutNs);
    }

    @Override
    public Object currentActor() {
        return Processes.currentActor(session);
    }

    @Override
    public void cancel(ObjectRef<?> ref, boolean force, boolean recursive) {
        session.taskEnds().cancel(ref, force, recursive);
    }

    @Override
    public Object lookup(String name, String namespace) {
        return session.actorControl().lookup(name, namespace);
    }

    @Override
    public void kill(Object actor, boolean noRestart) {
        session.actorControl().kill(handle(actor), noRestart);
    }

    @Override
    public void exitActor() {
        Processes.exitActor();
    }

    @Override
    public List<Map<String, @Nullable Object>> state(int kind, List<StateFilter> filters, long limit) {
        return session.state().rows(kind, filters, limit);
    }

    @Override
    public Iterator<List<Map<String, @Nullable Object>>> statePages(int kind, List<StateFilter> filters, long limit) {
        return session.state().pages(kind, filters, limit);
    }

    @Override
    public String readiness(ObjectRef<?> ref) {
        return session.reader().readiness(ref);
    }

    @Override
    public void progress(ProgressNote note) {
        if (session.ended() == null) { // a bar may outlive its runtime
            progress.accept(note);
        }
    }

    @Override
    public String createGroup(String name, int strategy, boolean detached, List<Map<String, Long>> bundles) {
        return session.placing().create(name, strategy, detached, bundles);
    }

    @Override
    public void removeGroup(String id) {
        session.placing().remove(id);
    }

    @Override
    public List<GroupRecord> groups(String id, String name) {
        return session.placing().find(id, name);
    }

    @Override
    public String currentGroup() {
        return session.placing().group();
    }

    @Override
    public RuntimeContext context() {
        return Processes.context(session);
    }

    @Override
    public <T> Memory<T> allocate(long size, int encoding, Class<T> type) {
        StoreClient.Extent extent = session.store().allocateAny(size);
        return new ExtentMemory<>(session, extent, extent.memory(), 0, encoding, type);
    }

    @Override
    public Memory<Tensor> allocateTensor(ElementType element, long[] shape, int size) {
        TensorImage image = TensorImage.of(element, shape, size);
        StoreClient.Extent extent = session.store().allocate(image.length());
        ByteBuffer elements = image.begin(extent.memory());
        return new ExtentMemory<>(session, extent, elements, image.head().length, Encoding.TENSOR, Tensor.class);
    }

    @Override
    public void close() {
        close.run();
    }
}
