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

    /** The values as the caller's language reads them, or why one has no such form. */
    Outcome encode(List<? extends @Nullable Object> values, Task task) {
        List<EncodedValue> encoded = new ArrayList<>(values.size());
        try {
            for (Object value : values) {
                encoded.add(task.callerLanguage == Language.JAVA
                        ? Values.encode(value, session.references())
                        : Values.encodePortable(value, session.references()));
            }
            return Outcome.of(encoded);
        } catch (CrossLanguageException error) {
            String which = values.size() > 1 ? "result " + encoded.size() + " " : "the result ";
            return Outcome.failed(ErrorRecords.of(ErrorCode.CROSS_LANGUAGE, which + error.details().message()));
        } catch (SerializationException error) {
            String which = values.size() > 1 ? "result " + encoded.size() + " " : "the result ";
            return Outcome.failed(new SerializationException(which + error.details().message(), error.getCause()));
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
        List<Written> written = List.of();
        ErrorRecord error = outcome.error();
        if (error == null) {
            try {
                written = writeAll(incoming, outcome.values());
            } catch (RuntimeException failed) {
                error = unwritten(failed);
                result.status = TaskStatus.ERROR;
            }
            Reference.reachabilityFence(outcome.values());
        }
        if (error != null) {
            written = writtenAll(incoming, ErrorRecords.payload(error));
        }
        ByteBuffer body = laidOut(written, result);
        result.kept = context.kept();
        if (!result.kept.isEmpty()) {
            session.reactor().flush();
            session.reader().await(context.held());
        }
        return Frame.encode(result, body);
    }

    private List<Written> writeAll(Incoming incoming, List<EncodedValue> values) {
        List<Written> written = new ArrayList<>(values.size());
        for (EncodedValue value : values) {
            written.add(write(refOf(incoming.task, written.size()), value, incoming.deliverHome));
        }
        return written;
    }

    /** An error: each result is it; a stream, and a task without results, has it once. */
    private List<Written> writtenAll(Incoming incoming, Payload error) {
        int count = incoming.task.numReturns;
        List<Written> written = new ArrayList<>(Math.max(1, count));
        for (int index = 0; index < Math.max(1, count); index++) {
            boolean deliver = incoming.deliverHome && index < count;
            written.add(written(refOf(incoming.task, index), error, List.of(), deliver));
        }
        return written;
    }

    private static WireRef refOf(Task task, int index) {
        return new WireRef(Id.result(task.id, index).bytes(), 0, task.owner, task.home);
    }

    /** Sets the entries of a Result, and gives the body with the inline ones. */
    private static ByteBuffer laidOut(List<Written> written, Result result) {
        if (written.size() == 1) {
            result.returns = List.of(written.get(0).value);
            return written.get(0).body;
        }
        int size = 0;
        List<Return> returns = new ArrayList<>(written.size());
        for (int index = 0; index < written.size(); index++) {
            Written each = written.get(index);
            Return value = each.value;
            if (repeats(written, index)) {
                returns.add(returns.get(index - 1));
                continue;
            }
            boolean inline = value.state() == ValueState.INLINE;
            size = inline ? Frame.aligned(size) : size;
            returns.add(new Return(value.state(), value.encoding(), value.layout(), value.flags(),
                    inline ? size : 0, value.length(), 0));
            size += each.body.remaining();
        }
        ByteBuffer body = ByteBuffer.allocate(size);
        for (int index = 0; index < written.size(); index++) {
            if (repeats(written, index)) {
                continue;
            }
            ByteBuffer part = written.get(index).body;
            body.put((int) returns.get(index).offset(), part, part.position(), part.remaining());
        }
        result.returns = returns;
        return body;
    }

    /** The entries of an error are all the same bytes of the body (spec section 4.4, rule 5). */
    private static boolean repeats(List<Written> written, int index) {
        ByteBuffer body = written.get(index).body;
        return index > 0 && body.hasRemaining() && body == written.get(index - 1).body;
    }

    /** An object that is ready to be told of, and what its home must know is on the way to it. */
    record Written(Return value, ByteBuffer body) {}

    Written write(WireRef ref, EncodedValue value, boolean deliver) {
        if (value.inlineSize() > session.inlineBytesMax()) {
            StoreClient.Extent extent = session.store().write(value);
            seal(ref, extent, value, session.references().publishContained(value));
            return new Written(
                    new Return(ValueState.STORED, value.encoding(), 0, 0, 0, 0, 0), ByteBuffer.allocate(0));
        }
        Payload payload = value.inline();
        return written(ref, payload, session.references().publishContained(value), deliver);
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
