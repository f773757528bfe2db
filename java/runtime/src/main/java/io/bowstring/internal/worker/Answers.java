package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.StoreClient;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.ObjectPublish;
import io.bowstring.internal.wire.ObjectSeal;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Return;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.TaskStatus;
import io.bowstring.internal.wire.ValueState;
import io.bowstring.internal.wire.WireRef;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes what tasks came to: results into the reply or the store, and to their home what it must know first (spec sections
 * 4.4 and 6.3).
 */
final class Answers {
    private final Session session;

    Answers(Session session) {
        this.session = session;
    }

    /** The value as the caller's language reads it, or why it has no such form. */
    Outcome encode(@Nullable Object value, Task task) {
        try {
            EncodedValue encoded = task.callerLanguage == Language.JAVA
                    ? Values.encode(value, session)
                    : Values.encodePortable(value, session);
            return Outcome.of(encoded);
        } catch (CrossLanguageException error) {
            String message = error.details().message();
            return Outcome.failed(ErrorRecords.of(ErrorCode.CROSS_LANGUAGE,
                    "the result " + message));
        } catch (BowstringException error) {
            return Outcome.failed(error);
        } catch (RuntimeException | StackOverflowError error) {
            return Outcome.failed(ErrorRecords.of(ErrorCode.SERIALIZATION,
                    "the result can't be serialized: " + error));
        }
    }

    /** Sends the Result; one that {@code mayWait} goes out with the reactor's next round. */
    void answer(Incoming incoming, Outcome outcome, TaskContext context, long durationNs, boolean mayWait) {
        ByteBuffer frame = frame(incoming, outcome, context, durationNs);
        if (mayWait) {
            incoming.caller.connection().queue(frame);
        } else {
            incoming.caller.connection().send(frame);
        }
    }

    /** The Result's frame; what the home must know first is on its way. */
    ByteBuffer frame(Incoming incoming, Outcome outcome, TaskContext context, long durationNs) {
        Task task = incoming.task;
        Result result = new Result();
        result.id = task.id;
        result.attempt = task.attempt;
        result.status = outcome.status();
        result.durationNs = durationNs;
        ByteBuffer body = ByteBuffer.allocate(0);
        boolean deliver = incoming.deliverHome;
        if (task.numReturns == 1) {
            WireRef ref = new WireRef(Id.result(task.id, 0).bytes(), 0, task.owner, task.home);
            ErrorRecord error = outcome.error();
            Written written = null;
            if (error == null) {
                try {
                    written = write(ref, outcome.value(), deliver);
                } catch (RuntimeException failed) {
                    error = unwritten(failed);
                    result.status = TaskStatus.ERROR;
                }
            }
            if (written == null) {
                written = written(ref, ErrorRecords.payload(error), List.of(), deliver);
            }
            result.returns = List.of(written.value);
            body = written.body;
            Reference.reachabilityFence(outcome.value());
        } else if (task.numReturns < 0 && outcome.error() != null) {
            Payload payload = ErrorRecords.payload(outcome.error());
            result.returns = List.of(
                    new Return(ValueState.INLINE, payload.encoding(), payload.layout(), 0, 0, payload.size(), 0));
            body = payload.data();
        } else if (task.numReturns > 1) {
            Payload payload = ErrorRecords.payload(outcome.error()); // more than one result was refused before
            List<Return> returns = new ArrayList<>(task.numReturns);
            for (int index = 0; index < task.numReturns; index++) {
                if (deliver) {
                    publish(new WireRef(Id.result(task.id, index).bytes(), 0, task.owner, task.home), payload, List.of());
                }
                returns.add(new Return(ValueState.INLINE, payload.encoding(), payload.layout(), 0, 0, payload.size(), 0));
            }
            result.returns = returns;
            body = payload.data();
        }
        result.kept = context.kept();
        if (!result.kept.isEmpty()) {
            session.reactor().flush();
            session.reader().await(context.held());
        }
        return Frame.encode(result, body);
    }

    /** An object that is ready to be told of, and what its home must know is on the way to it. */
    record Written(Return value, ByteBuffer body) {}

    Written write(WireRef ref, EncodedValue value, boolean deliver) {
        if (value.inlineSize() > session.inlineBytesMax()) {
            StoreClient.Extent extent = session.writeImage(value);
            seal(ref, extent, value, session.publishContained(value));
            return new Written(
                    new Return(ValueState.STORED, value.encoding(), 0, 0, 0, 0, 0), ByteBuffer.allocate(0));
        }
        Payload payload = value.inline();
        return written(ref, payload, session.publishContained(value), deliver);
    }

    private Written written(WireRef ref, Payload payload, List<WireRef> contains, boolean deliver) {
        if (deliver || !contains.isEmpty()) {
            publish(ref, payload, contains);
        }
        int flags = contains.isEmpty() ? 0 : 1;
        return new Written(
                new Return(ValueState.INLINE, payload.encoding(), payload.layout(), flags, 0, payload.size(), 0),
                payload.data());
    }

    private static ErrorRecord unwritten(RuntimeException failed) {
        return ErrorRecords.of(failed instanceof BowstringException known
                ? known : new SerializationException("the result can't be written: " + failed, failed));
    }

    private void seal(WireRef ref, StoreClient.Extent extent, EncodedValue value, List<WireRef> contains) {
        ObjectSeal seal = new ObjectSeal();
        seal.ref = ref;
        seal.location = new Location(extent.grant().segment, 0, extent.grant().offset, value.imageSize());
        seal.extent = extent.grant().extent;
        seal.encoding = value.encoding();
        seal.contains = contains;
        session.send(seal);
    }

    private void publish(WireRef ref, Payload payload, List<WireRef> contains) {
        ObjectPublish publish = new ObjectPublish();
        publish.ref = ref;
        publish.state = ValueState.INLINE;
        publish.encoding = payload.encoding();
        publish.layout = payload.layout();
        publish.length = payload.size();
        publish.contains = contains;
        session.queue(Frame.encode(publish, payload.data()));
        session.reactor().flush();
    }
}
