package io.bowstring.internal.runtime;

import io.bowstring.internal.call.StateFilter;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.StateQuery;
import io.bowstring.internal.wire.StateReply;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Asks the node what there is: nodes, tasks, actors, objects (spec section 8.2). */
final class StateReader {
    private final Session session;

    StateReader(Session session) {
        this.session = session;
    }

    /** Rows of a kind that pass all filters; at most so many, or all if {@code limit} is 0. */
    List<Map<String, @Nullable Object>> rows(int kind, List<StateFilter> filters, long limit) {
        List<Map<String, @Nullable Object>> rows = new ArrayList<>();
        pages(kind, filters, limit).forEachRemaining(rows::addAll);
        return rows;
    }

    /** The same page by page; the first one is asked for now. */
    Iterator<List<Map<String, @Nullable Object>>> pages(int kind, List<StateFilter> filters, long limit) {
        session.checkRunning();
        StateQuery query = new StateQuery();
        query.kind = kind;
        query.limit = limit;
        query.filters = filters.stream().map(StateReader::wireFilter).toList();
        return new Iterator<>() {
            private @Nullable List<Map<String, @Nullable Object>> page = ask();

            @SuppressWarnings("unchecked")
            private List<Map<String, @Nullable Object>> ask() {
                NodeLink.Answer answer = session.request(number -> {
                    query.request = number;
                    return query;
                });
                StateReply reply = answer.as(StateReply.class);
                query.cursor = reply.cursor;
                Payload rows = Payload.inBody(Encoding.PORTABLE, Layout.COMPACT, answer.body(), 0, reply.length);
                return (List<Map<String, @Nullable Object>>) Objects.requireNonNull(session.reader().decode(rows, null));
            }

            @Override
            public boolean hasNext() {
                return page != null;
            }

            @Override
            public List<Map<String, @Nullable Object>> next() {
                List<Map<String, @Nullable Object>> current = page;
                if (current == null) {
                    throw new NoSuchElementException("the last page was taken");
                }
                page = query.cursor == 0 ? null : ask();
                return current;
            }
        };
    }

    private static io.bowstring.internal.wire.StateFilter wireFilter(StateFilter each) {
        io.bowstring.internal.wire.StateFilter filter = new io.bowstring.internal.wire.StateFilter();
        filter.field = each.field();
        filter.op = each.op();
        filter.value = each.value();
        return filter;
    }
}
