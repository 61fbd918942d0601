//! A whole life, as one story: a company of 2,000 people and 300 repositories, from the first installation to the last day. Each
//! chapter tells what its person sees. The real programs against a Bitbucket that behaves as its documentation says.

mod begin;
mod company;
mod end;
mod trouble;
mod work;

use company::Company;

#[test]
fn a_company_from_the_first_day_to_the_last() {
    let mut company = Company::founded();
    // The administrator's first day.
    company.installs_the_hook();
    company.has_a_first_policy();
    company.says_more_than_bitbucket_could();
    company.gives_permissions_by_it();
    // Everybody's.
    company.pushes();
    company.reviews_and_merges();
    company.takes_somebody_on();
    company.moves_somebody();
    company.lets_somebody_go();
    // Those that are not like the others.
    company.has_a_careless_administrator();
    company.has_an_administrator_who_narrows_the_hook();
    company.loses_its_hooks_without_a_word();
    company.has_no_bitbucket_for_a_while();
    // The last ones.
    company.upgrades_the_hook();
    company.has_all_of_it_on_record();
    company.takes_the_hook_away();
}
