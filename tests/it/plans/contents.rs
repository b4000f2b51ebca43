//! What is on a page: the same as by a statement that says no more than what is meant.

use diesel::QueryableByName;
use diesel_async::RunQueryDsl;
use engagement_desk::domain::lifecycle::State;
use engagement_desk::store::request_list::{RequestList, page};
use engagement_desk::store::request_order::{Position, Sort};
use engagement_desk::store::requests::{Filter, Summary, Visibility};
use engagement_desk::store::{Connection, connect};
use tokio::runtime::Runtime;

use super::wanted::{OPEN, filter, single_filters, time, typical_pairs, visibilities};
use super::{PAGE, loaded};

#[test]
fn every_list_holds_what_it_should_and_nothing_else() {
    let database = loaded(3_000);
    let url = &database.url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        let shown = |list: Vec<Summary>| {
            list.into_iter()
                .map(|item| item.reference)
                .collect::<Vec<_>>()
        };
        for (who, visibility) in visibilities() {
            for wanted in single_filters().iter().chain(&typical_pairs()) {
                for sort in Sort::ALL {
                    let list = RequestList::new(wanted, &visibility, *sort, None, PAGE);
                    let got = shown(page(connection, list).await.unwrap());
                    let expected = plainly(connection, wanted, &visibility, *sort).await;
                    assert_eq!(got, expected, "{who} {sort} {wanted:?}");
                }
            }
        }
    });
}

async fn plainly(
    connection: &mut Connection,
    filter: &Filter,
    visibility: &Visibility,
    sort: Sort,
) -> Vec<String> {
    plainly_first(connection, filter, visibility, sort, PAGE).await
}

/// The same list by a statement that says no more than what is meant.
async fn plainly_first(
    connection: &mut Connection,
    filter: &Filter,
    visibility: &Visibility,
    sort: Sort,
    limit: i64,
) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        reference: String,
    }
    let quoted = |values: &[String]| {
        let list: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
        format!("array[{}]::text[]", list.join(","))
    };
    let mut conditions = vec![match visibility {
        Visibility::Nothing => "false".to_owned(),
        Visibility::Everything => "true".to_owned(),
        Visibility::Own { subject, partners } => format!(
            "(owner_subject = '{subject}' or coalesce(partner_mpn_id = any({}), false))",
            quoted(partners)
        ),
        Visibility::SubmittedBy(subject) => format!("submitted_by = '{subject}'"),
        Visibility::AtDesks(desks) => format!("desk = any({})", quoted(desks)),
    }];
    if !filter.states.is_empty() {
        let states: Vec<String> = filter.states.iter().map(ToString::to_string).collect();
        conditions.push(format!("state = any({})", quoted(&states)));
    }
    for (condition, value) in [
        ("desk =", &filter.desk),
        ("service =", &filter.service),
        ("partner_mpn_id =", &filter.partner),
        ("lower(customer_name) =", &filter.customer),
        ("lower(assignee) =", &filter.assignee),
        ("owner_subject =", &filter.requested_by),
    ] {
        let folded = condition.starts_with("lower");
        conditions.extend(value.as_ref().map(|value| {
            let value = if folded {
                value.to_lowercase()
            } else {
                value.clone()
            };
            format!("{condition} '{value}'")
        }));
    }
    conditions.extend(
        filter
            .words
            .as_ref()
            .map(|words| {
                format!("id in (select request_id from request_words where words @@ websearch_to_tsquery('simple', '{words}'))")
            }),
    );
    for (condition, time) in [
        ("created_at >=", filter.created_from),
        ("created_at <", filter.created_before),
        ("updated_at >=", filter.updated_from),
        ("updated_at <", filter.updated_before),
    ] {
        conditions.extend(time.map(|time| format!("{condition} '{}'", time.to_rfc3339())));
    }
    let (key, direction) = match sort.as_str().strip_prefix('-') {
        Some(key) => (key, "desc"),
        None => (sort.as_str(), "asc"),
    };
    let sql = format!(
        "select reference from requests where {} order by {key} {direction}, id {direction} limit {limit}",
        conditions.join(" and ")
    );
    let rows: Vec<Row> = diesel::sql_query(sql).load(connection).await.unwrap();
    rows.into_iter().map(|row| row.reference).collect()
}

/// Words alone, within times, within states that are common, rare and everywhere, and within both.
fn searches() -> impl Iterator<Item = Filter> {
    let words = [
        "azure",
        "zone -azure",
        "\"customer 4\" or quokka",
        "nowhere",
    ];
    let times = [
        (None, None),
        (time("2021-01-10T11:00:00Z"), time("2021-02-20T07:30:00Z")),
    ];
    let states = [
        Vec::new(),
        OPEN.to_vec(),
        vec![State::OnHold],
        vec![State::Completed, State::Rejected, State::InReview],
    ];
    words.into_iter().flat_map(move |words| {
        let states = states.clone();
        times.into_iter().flat_map(move |times| {
            states.clone().into_iter().map(move |states| {
                filter(|f| {
                    f.words = Some(words.to_owned());
                    f.states = states;
                    (f.created_from, f.created_before) = times;
                })
            })
        })
    })
}

/// All that a list shows, whatever its pages.
async fn page_after_page(
    connection: &mut Connection,
    wanted: &Filter,
    visibility: &Visibility,
    sort: Sort,
) -> Vec<String> {
    let mut got = Vec::new();
    let mut position = None;
    loop {
        let list = RequestList::new(wanted, visibility, sort, position, PAGE);
        let rows = page(connection, list).await.unwrap();
        let Some(last) = rows.last() else { return got };
        position = Some(Position::of(last, sort));
        got.extend(rows.into_iter().map(|row| row.reference));
    }
}

#[test]
fn page_after_page_holds_each_request_within_bounds_of_either_time_once_and_in_order() {
    let database = loaded(3_000);
    let url = &database.url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        let (early, late) = ("2021-01-20T11:00:00Z", "2021-02-20T07:30:00Z");
        for (who, visibility) in visibilities() {
            for states in [Vec::new(), OPEN.to_vec(), vec![State::Completed]] {
                for wanted in [
                    filter(|f| f.updated_from = time(late)),
                    filter(|f| f.created_before = time(early)),
                    filter(|f| (f.updated_from, f.created_before) = (time(early), time(late))),
                ] {
                    for sort in Sort::ALL {
                        let wanted = &Filter {
                            states: states.clone(),
                            ..wanted.clone()
                        };
                        let got = page_after_page(connection, wanted, &visibility, *sort).await;
                        let expected =
                            plainly_first(connection, wanted, &visibility, *sort, 5_000).await;
                        assert_eq!(got, expected, "{who} {sort}: {wanted:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn page_after_page_holds_each_request_with_a_word_once_and_in_order() {
    let database = loaded(3_000);
    let url = &database.url;
    Runtime::new().unwrap().block_on(async {
        let connection = &mut connect(url).await.unwrap();
        for (who, visibility) in visibilities() {
            for wanted in searches() {
                for sort in Sort::ALL {
                    let got = page_after_page(connection, &wanted, &visibility, *sort).await;
                    let expected =
                        plainly_first(connection, &wanted, &visibility, *sort, 5_000).await;
                    assert_eq!(got, expected, "{who} {sort}: {wanted:?}");
                }
            }
        }
    });
}
